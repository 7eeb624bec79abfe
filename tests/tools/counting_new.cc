#include "tests/tools/counting_new.h"

#include <cstdlib>
#include <new>

// One thread at a time is all that the tests and benches with it have.
namespace {

// Keeps every block aligned for any type.
constexpr std::size_t kHead = alignof(std::max_align_t);
std::size_t current = 0, peak = 0;

void* Take(std::size_t size) {
  void* block = std::malloc(size + kHead);
  if (block == nullptr) throw std::bad_alloc();
  *static_cast<std::size_t*>(block) = size;
  current += size;
  if (current > peak) peak = current;
  return static_cast<char*>(block) + kHead;
}

void Give(void* pointer) {
  if (pointer == nullptr) return;
  void* block = static_cast<char*>(pointer) - kHead;
  current -= *static_cast<std::size_t*>(block);
  std::free(block);
}

}  // namespace

void* operator new(std::size_t size) { return Take(size); }
void* operator new[](std::size_t size) { return Take(size); }
void operator delete(void* pointer) noexcept { Give(pointer); }
void operator delete[](void* pointer) noexcept { Give(pointer); }
void operator delete(void* pointer, std::size_t) noexcept { Give(pointer); }
void operator delete[](void* pointer, std::size_t) noexcept { Give(pointer); }

namespace headroom::testing {

AllocationPeak::AllocationPeak() : start_(current) { peak = current; }
std::size_t AllocationPeak::bytes() const { return peak - start_; }

}  // namespace headroom::testing

// Random mutations of a valid GGUF header, for the bounded test and the long run of the bench.
#pragma once

#include <cstdint>
#include <string>

#include "estimator/gguf/reader.h"

namespace headroom::testing {

// xorshift64*: the same mutations everywhere.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 2 + 1) {}
  uint64_t Next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1Dull;
  }
  uint64_t Below(uint64_t limit) { return Next() % limit; }

 private:
  uint64_t state_;
};

// One to four edits: a byte, a 32- or 64-bit number that counts something, a cut, a repeated or a
// dropped stretch.
inline std::string Mutate(const std::string& good, Random& random) {
  std::string bad = good;
  for (uint64_t edits = 1 + random.Below(4); edits > 0 && bad.size() > 16; --edits) {
    const size_t at = random.Below(bad.size() - 8);
    switch (random.Below(6)) {
      case 0: bad[at] = static_cast<char>(random.Next()); break;
      case 1: {
        constexpr uint32_t kOdd[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 9, 65536};
        const uint32_t value = kOdd[random.Below(std::size(kOdd))];
        bad.replace(at, 4, reinterpret_cast<const char*>(&value), 4);
        break;
      }
      case 2: {
        const uint64_t value = ~uint64_t{0} >> random.Below(64);
        bad.replace(at, 8, reinterpret_cast<const char*>(&value), 8);
        break;
      }
      case 3: bad.resize(at); break;
      case 4: bad.insert(at, bad.substr(random.Below(bad.size()), random.Below(64))); break;
      default: bad.erase(at, random.Below(64)); break;
    }
  }
  return bad;
}

// Reads as a caller does: asks for what it wants, in chunks of `chunk` bytes.
inline Result<estimator::GgufHeader> ReadAll(std::string_view bytes, size_t chunk) {
  estimator::GgufReader reader(bytes.size());
  while (!reader.done()) {
    const auto want = reader.want();
    if (want.length == 0 || want.offset >= bytes.size()) break;
    if (auto fed = reader.Feed(bytes.substr(want.offset, chunk)); !fed) return fed.error();
  }
  return reader.Finish();
}

}  // namespace headroom::testing

#include "estimator/graph/arena.h"

#include <algorithm>

#include "common/checked.h"

namespace headroom::estimator {

uint64_t Arena::Pad(uint64_t size) { return PadUp(size, 32); }

uint64_t Arena::Allocate(uint64_t size) {
  size = Pad(size);
  size_t best = free_.size() - 1;
  uint64_t best_size = UINT64_MAX;
  for (size_t i = 0; i + 1 < free_.size(); ++i) {
    // Of blocks of the same size the last one is taken.
    if (free_[i].size >= size && free_[i].size <= best_size) {
      best = i;
      best_size = free_[i].size;
    }
  }
  Block& block = free_[best];
  const uint64_t offset = block.offset;
  block.offset += size;
  block.size -= size;
  if (block.size == 0) free_.erase(free_.begin() + static_cast<ptrdiff_t>(best));
  peak_ = std::max(peak_, offset + size);
  return offset;
}

// As ggml_dyn_tallocr_free_bytes() does it, neighbour by neighbour: tensors of no bytes leave empty
// blocks, which keep their neighbours from being joined.
void Arena::Release(uint64_t offset, uint64_t size) {
  size = Pad(size);
  const auto joins = [](const Block& a, const Block& b) { return a.offset + a.size == b.offset; };
  for (auto block = free_.begin(); block != free_.end(); ++block) {
    if (block->offset + block->size == offset) {
      block->size += size;
      if (const auto next = block + 1; next != free_.end() && joins(*block, *next)) {
        block->size += next->size;
        free_.erase(next);
      }
      return;
    }
    if (offset + size == block->offset) {
      *block = {offset, block->size + size};
      if (block != free_.begin() && joins(*(block - 1), *block)) {
        (block - 1)->size += block->size;
        free_.erase(block);
      }
      return;
    }
  }
  const auto next = std::find_if(free_.begin(), free_.end(),
                                 [offset](const Block& b) { return b.offset >= offset; });
  free_.insert(next, {offset, size});
}

}  // namespace headroom::estimator

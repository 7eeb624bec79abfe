// Arena: offsets as ggml_dyn_tallocr (ggml-alloc.c) gives them: best fit among the free blocks, the
// last block is the open end. What counts is the peak.
#pragma once

#include <cstdint>
#include <vector>

namespace headroom::estimator {

class Arena {
 public:
  uint64_t Allocate(uint64_t size);  // bytes; the offset
  void Release(uint64_t offset, uint64_t size);
  uint64_t peak() const { return peak_; }

  static uint64_t Pad(uint64_t size);  // to the alignment of both Metal's and the CPU's buffers

 private:
  struct Block {
    uint64_t offset, size;
  };
  std::vector<Block> free_ = {{0, UINT64_MAX / 2}};  // by offset; the last one is the open end
  uint64_t peak_ = 0;
};

}  // namespace headroom::estimator

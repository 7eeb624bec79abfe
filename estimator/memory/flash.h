// Which flash attention Metal can do.
#pragma once

#include <cstdint>

namespace headroom::estimator {

// Head sizes that Metal's flash attention has kernels for (ggml_metal_device_supports_op); with
// others llama.cpp computes the scores as if it were off, but keeps f16 masks.
constexpr bool HasMetalFlashKernel(uint64_t k_head, uint64_t v_head) {
  constexpr uint64_t kSizes[] = {32, 40, 48, 64, 72, 80, 96, 112, 128, 192, 256, 320, 512, 576};
  if (k_head < v_head) return false;
  for (uint64_t size : kSizes) {
    if (size == k_head) return true;
  }
  return false;
}

}  // namespace headroom::estimator

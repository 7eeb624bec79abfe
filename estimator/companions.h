// What llama-server loads beside the model, from the headers of those files. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "common/result.h"
#include "estimator/gguf/header.h"
#include "estimator/model.h"

namespace headroom::estimator {

// A multimodal projector: all its tensors, and the buffer of one graph over an image (or 30 s of
// sound) of the size in its header, attention without a flash kernel. tools/mtmd/clip.cpp builds a
// graph for each kind of projector; this is meant as an upper bound, and was not measured on a Mac.
struct ProjectorBytes {
  uint64_t tensors = 0, compute = 0;
};
// kInvalid when the file is no projector.
Result<ProjectorBytes> DescribeProjector(const std::vector<GgufHeader>& parts);

// A LoRA adapter: its A and B tensors as stored (llama_adapter_lora_init_impl). kInvalid when the
// file is no adapter or made for another architecture than `model`.
Result<uint64_t> LoraBytes(const std::vector<GgufHeader>& parts, const ModelFile& model);

// Control vectors, however many files they come from: one f32 row for each layer but the first
// (llama_adapter_cvec::init).
uint64_t ControlVectorBytes(const ModelFile& model);

}  // namespace headroom::estimator

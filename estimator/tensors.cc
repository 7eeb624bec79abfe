#include "estimator/tensors.h"

#include <algorithm>
#include <charconv>

#include "common/checked.h"

namespace headroom::estimator {
namespace {

// Buffers place each tensor at a multiple of this (TENSOR_ALIGNMENT in ggml-backend.cpp).
constexpr uint64_t kTensorAlignment = 32;

// Input tensors are read by the CPU only: llm_tensor_info_for() layer INPUT, dev_input = CPU.
bool StaysOnCpu(std::string_view name) {
  return name == "token_embd.weight" || name == "position_embd.weight" ||
         name == "token_types.weight" || name == "per_layer_token_embd.weight";
}

// Without output.weight the embedding is loaded a second time as the output matrix, but these have
// no logits (or, bitnet, multiply with the embedding where it lies).
bool NeedsNoOutput(std::string_view architecture) {
  constexpr std::string_view kNames[] = {"bert",         "nomic-bert",   "nomic-bert-moe",
                                         "jina-bert-v2", "jina-bert-v3", "modern-bert",
                                         "neo-bert",     "eurobert",     "bitnet"};
  return std::ranges::find(kNames, architecture) != std::end(kNames);
}

uint64_t Elements(const GgufTensor& tensor) {
  return tensor.dims[0] * tensor.dims[1] * tensor.dims[2] * tensor.dims[3];
}

}  // namespace

std::optional<uint32_t> LayerOfTensor(std::string_view name) {
  constexpr std::string_view kPrefix = "blk.";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  uint32_t layer = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), layer);
  if (error != std::errc() || end == name.data() + name.size() || *end != '.') return std::nullopt;
  return layer;
}

TensorBytes SumTensors(const std::vector<GgufHeader>& parts, std::string_view architecture,
                       uint32_t loaded_layers) {
  TensorBytes sum;
  uint64_t embedding = 0;
  bool has_output = false;
  for (const GgufHeader& part : parts) {
    for (const GgufTensor& tensor : part.tensors) {
      const uint64_t bytes = PadUp(tensor.nbytes, kTensorAlignment);
      sum.parameters += Elements(tensor);
      if (LayerOfTensor(tensor.name).value_or(0) >= loaded_layers) {
        sum.skipped += bytes;
        continue;
      }
      ++sum.count;
      sum.on_cpu += bytes;
      if (tensor.name == "token_embd.weight") embedding = bytes;
      if (tensor.name == "output.weight") has_output = true;
      if (tensor.name == "hrm.z_l_init") sum.host_before_060 += bytes;
      (StaysOnCpu(tensor.name) ? sum.host : sum.device) += bytes;
    }
  }
  if (!has_output && !NeedsNoOutput(architecture)) sum.device += embedding;
  return sum;
}

}  // namespace headroom::estimator

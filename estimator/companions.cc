#include "estimator/companions.h"

#include <algorithm>

#include "common/checked.h"

namespace headroom::estimator {
namespace {

constexpr uint64_t kTensorAlignment = 32;  // TENSOR_ALIGNMENT in ggml-backend.cpp

uint64_t SumOf(const std::vector<GgufHeader>& parts) {
  uint64_t sum = 0;
  for (const GgufHeader& part : parts) {
    for (const GgufTensor& tensor : part.tensors) sum += PadUp(tensor.nbytes, kTensorAlignment);
  }
  return sum;
}

// Limits keep the products of a hostile header within 64 bits.
uint64_t Key(const GgufHeader& header, std::string_view key, uint64_t limit) {
  return std::min(header.Uint(key).value_or(0), limit);
}

uint64_t GraphOver(uint64_t positions, const GgufHeader& header, const std::string& prefix) {
  const uint64_t embedding = Key(header, prefix + "embedding_length", 1u << 16);
  const uint64_t feed_forward = Key(header, prefix + "feed_forward_length", 1u << 18);
  const uint64_t heads = Key(header, prefix + "attention.head_count", 1u << 10);
  const uint64_t column = 4 * positions;
  // Hidden state, residual, Q, K, V and the result; both halves of a gated feed-forward; scores.
  return column * (6 * embedding + 2 * feed_forward) + 2 * column * positions * heads;
}

uint64_t VisionGraph(const GgufHeader& header) {
  const uint64_t image = Key(header, "clip.vision.image_size", 1u << 13);
  const uint64_t patch = std::max<uint64_t>(Key(header, "clip.vision.patch_size", 1u << 10), 1);
  const uint64_t across = image / patch;
  constexpr uint64_t kColours = 3;
  return GraphOver(across * across + 1, header, "clip.vision.") + 4 * kColours * image * image;
}

uint64_t AudioGraph(const GgufHeader& header) {
  constexpr uint64_t kPositions = 1500;  // 30 s, two 10 ms frames a position
  if (Key(header, "clip.audio.embedding_length", 1u << 16) == 0) return 0;
  return GraphOver(kPositions, header, "clip.audio.");
}

}  // namespace

Result<ProjectorBytes> DescribeProjector(const std::vector<GgufHeader>& parts) {
  if (parts.empty() || (parts[0].String("general.type") != "mmproj" &&
                        parts[0].String("general.architecture") != "clip")) {
    return Error(Code::kInvalid, "expected a projector (general.type mmproj)");
  }
  return ProjectorBytes{SumOf(parts), std::max(VisionGraph(parts[0]), AudioGraph(parts[0]))};
}

Result<uint64_t> LoraBytes(const std::vector<GgufHeader>& parts, const ModelFile& model) {
  if (parts.empty() || parts[0].String("general.type") != "adapter") {
    return Error(Code::kInvalid, "expected a LoRA adapter (general.type adapter)");
  }
  const std::string architecture = parts[0].String("general.architecture");
  if (architecture != model.architecture) {
    return Error(Code::kInvalid, "the adapter is made for " + architecture + ", the model is " +
                                     model.architecture);
  }
  return SumOf(parts);
}

uint64_t ControlVectorBytes(const ModelFile& model) {
  if (model.hyper.layer_count == 0) return 0;
  return (model.hyper.layer_count - 1) *
         PadUp(4 * uint64_t{model.hyper.embedding}, kTensorAlignment);
}

}  // namespace headroom::estimator

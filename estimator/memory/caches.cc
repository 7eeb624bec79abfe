#include "estimator/memory/caches.h"

#include <algorithm>

#include "common/checked.h"

namespace headroom::estimator {
namespace {

constexpr uint64_t kTensorAlignment = 32;

uint64_t Tensor(const GgmlType& type, uint64_t width, uint64_t cells) {
  if (width == 0) return 0;
  // Widths that the block does not divide have been refused; round up for bounds of unknown models.
  const uint64_t row = CeilDiv(width, type.block_elements) * type.block_bytes;
  return PadUp(row * cells, kTensorAlignment);
}

// Without flash attention V is stored transposed and every layer's V is as wide as the widest.
uint64_t VWidth(const ModelFile& model, const Shape& shape, const Layer& layer) {
  if (layer.v_width == 0 && model.hyper.mla) return 0;
  return shape.flash ? layer.v_width : model.hyper.max_v_width;
}

uint64_t StateBytes(const Layer& layer, uint64_t sequences) {
  uint64_t bytes = 0;
  for (uint64_t elements : {layer.conv_state, layer.ssm_state, layer.extra_state}) {
    bytes += PadUp(4 * elements * sequences, kTensorAlignment);
  }
  return bytes;
}

// deepseek4's compressed rows, the indexer's, and the rows and scores being collected.
uint64_t CompressedBytes(const Layer& layer, const Shape& shape) {
  if (layer.compress_ratio == 0) return 0;
  const uint64_t rows = std::max<uint64_t>(1, CeilDiv(shape.cells, layer.compress_ratio));
  const uint64_t cells = PadUp(rows, 256) * shape.streams;
  uint64_t bytes = Tensor(*shape.k, layer.compress_width, cells);
  bytes += Tensor(*shape.k, layer.compress_index_width, cells);
  for (uint64_t elements : layer.collect_states) {
    bytes += 2 * PadUp(4 * elements * shape.streams, kTensorAlignment);
  }
  return bytes;
}

// The indexer's cache covers the whole context, whatever the layer's own does.
uint64_t IndexerBytes(const Layer& layer, const Shape& shape) {
  const uint64_t cells = shape.cells * shape.streams;
  const uint64_t pooled = shape.pooled_index ? layer.index_pool_width : 0;
  return Tensor(*shape.k, layer.index_k_width + pooled, cells) +
         Tensor(*shape.v, layer.index_v_width, cells);
}

}  // namespace

uint64_t KvCacheBytes(const ModelFile& model, const Shape& shape) {
  uint64_t bytes = 0;
  for (const Layer& layer : model.layers) {
    if (layer.cache == Cache::kNone) continue;
    const bool windowed = layer.cache == Cache::kWindow;
    const uint64_t cells = (windowed ? shape.window_cells : shape.cells) * shape.streams;
    bytes += Tensor(*shape.k, layer.k_width, cells);
    bytes += Tensor(*shape.v, VWidth(model, shape, layer), cells);
    bytes += IndexerBytes(layer, shape) + CompressedBytes(layer, shape);
  }
  return bytes;
}

uint64_t RecurrentStateBytes(const ModelFile& model, const Shape& shape) {
  uint64_t bytes = 0;
  for (const Layer& layer : model.layers) {
    if (layer.recurrent) bytes += StateBytes(layer, shape.slots);
  }
  return bytes;
}

uint64_t CheckpointBytes(const ModelFile& model, const Shape& shape) {
  uint64_t bytes = 0;
  for (const Layer& layer : model.layers) {
    if (layer.recurrent) bytes += StateBytes(layer, 1);
    if (layer.cache != Cache::kWindow) continue;
    bytes += Tensor(*shape.k, layer.k_width, shape.checkpoint_cells);
    bytes += Tensor(*shape.v, VWidth(model, shape, layer), shape.checkpoint_cells);
  }
  return bytes;
}

}  // namespace headroom::estimator

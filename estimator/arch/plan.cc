#include "estimator/arch/plan.h"

namespace headroom::estimator {
namespace {

bool HasState(const Hparams& h, Memory memory, uint32_t il) {
  return (memory == Memory::kRecurrent || memory == Memory::kHybrid) && il < h.n_layer() &&
         h.is_recr[il];
}

// Whether the layer has rows of its own in a KV cache.
bool HasCache(const Hparams& h, Memory memory, uint32_t il) {
  if (memory == Memory::kNone || memory == Memory::kRecurrent) return false;
  if (il >= h.n_layer() && !h.router_layer) return false;
  if (h.kv_from_start >= 0 && il >= static_cast<uint32_t>(h.kv_from_start)) return false;
  if (h.no_cache[il]) return false;
  return memory != Memory::kHybrid || h.both || !h.is_recr[il];
}

// llama_kv_cache_dsv4: of each `ratio` tokens one row is kept; while they are collected, their rows
// and scores (f32) lie in a state of `ratio` rows, or twice as many where windows overlap.
void PlanCompression(const Hparams& h, uint32_t il, Layer& layer) {
  constexpr uint32_t kOverlapping = 4, kPlain = 128;
  const uint32_t ratio = h.compress_ratio[il];
  if (!h.streams_apart || (ratio != kOverlapping && ratio != kPlain)) return;
  layer.compress_ratio = ratio;
  layer.compress_width = layer.k_width;
  if (ratio == kPlain) {
    layer.collect_states = {uint64_t{ratio} * h.head_k, 0};
    return;
  }
  layer.compress_index_width = h.indexer_head;
  layer.collect_states = {2 * uint64_t{ratio} * 2 * h.head_k,
                          2 * uint64_t{ratio} * 2 * h.indexer_head};
}

void PlanCache(const Hparams& h, uint32_t il, Layer& layer) {
  const bool windowed = h.window && h.is_swa[il];
  layer.cache = windowed ? Cache::kWindow : Cache::kFull;
  layer.k_head = h.is_swa[il] ? h.head_k_swa : h.head_k;
  layer.v_head = h.is_swa[il] ? h.head_v_swa : h.head_v;
  layer.k_width = layer.k_head * layer.head_count_kv;
  layer.v_width = h.mla ? 0 : layer.v_head * layer.head_count_kv;
  if (il < h.n_layer() && h.is_indexer_full[il] && h.indexer_head > 0) {
    layer.index_k_width = h.indexer_head;
    layer.index_pool_width = h.indexer_head * (h.indexer_rows - 1);
    layer.index_v_width = h.indexer_has_v ? h.head_v : 0;
  }
  PlanCompression(h, il, layer);
}

}  // namespace

uint64_t ConvStateElements(const Hparams& h) {
  if (h.wkv_head != 0) return uint64_t{h.token_shift} * h.n_embd;
  if (h.shortconv != 0) return uint64_t{h.n_embd} * (h.shortconv - 1);
  if (h.kda_head != 0) {
    const uint64_t steps = h.conv_kernel > 0 ? h.conv_kernel - 1 : 3;
    return 3 * steps * h.n_head[0] * h.kda_head;
  }
  const uint64_t steps = h.conv_kernel > 0 ? h.conv_kernel - 1 : 0;
  return steps * (h.ssm_inner + 2 * uint64_t{h.ssm_groups} * h.ssm_state);
}

uint64_t SsmStateElements(const Hparams& h) {
  if (h.wkv_head != 0) return uint64_t{h.n_embd} * h.wkv_head;
  if (h.kda_head != 0) return uint64_t{h.kda_head} * h.kda_head * h.n_head[0];
  if (h.la_head != 0) return uint64_t{h.la_head} * h.la_head * h.n_head[0];
  return uint64_t{h.ssm_state} * h.ssm_inner;
}

std::vector<Layer> PlanLayers(const Hparams& h, Memory memory) {
  std::vector<Layer> layers;
  const uint32_t count = h.router_layer ? h.n_layer_all : h.n_layer();
  for (uint32_t il = 0; il < count; ++il) {
    Layer layer;
    layer.head_count = h.n_head[il];
    layer.head_count_kv = h.n_head_kv[il];
    layer.feed_forward = h.n_ff[il];
    if (HasCache(h, memory, il)) PlanCache(h, il, layer);
    if (HasState(h, memory, il)) {
      layer.recurrent = true;
      layer.conv_state = ConvStateElements(h);
      layer.ssm_state = SsmStateElements(h);
      layer.extra_state = h.is_ple[il] ? h.ple_conv : 0;
    }
    layers.push_back(layer);
  }
  return layers;
}

}  // namespace headroom::estimator

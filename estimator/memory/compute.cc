#include "estimator/memory/compute.h"

#include <algorithm>

#include "common/checked.h"
#include "estimator/memory/flash.h"

namespace headroom::estimator {
namespace {

// The widest of every dimension over all layers; f is the bytes of one f32 column of the graph.
struct Graph {
  const HyperParameters& hyper;
  const Shape& shape;
  std::string_view architecture;
  uint64_t f = 0;          // 4 * tokens
  uint64_t embedding = 0;  // bytes of the hidden state of all tokens
  uint64_t heads = 0, k_head = 0, v_head = 0, kv_heads = 0, v_width = 0, feed_forward = 0;
  uint64_t masks = 0, indices = 0;
  bool has_full = false, has_window = false, has_state = false;
  uint64_t cells() const { return has_full ? shape.cells : shape.window_cells; }
  bool attends() const { return has_full || has_window; }
};

void AddLayer(const Layer& layer, Graph& g) {
  g.has_state |= layer.recurrent;
  g.feed_forward = std::max<uint64_t>(g.feed_forward, layer.feed_forward);
  if (layer.cache == Cache::kNone) return;
  (layer.cache == Cache::kFull ? g.has_full : g.has_window) = true;
  g.heads = std::max<uint64_t>(g.heads, layer.head_count);
  g.kv_heads = std::max<uint64_t>(g.kv_heads, layer.head_count_kv);
  g.k_head = std::max<uint64_t>(g.k_head, layer.k_head);
  g.v_head = std::max<uint64_t>(g.v_head, layer.v_head);
  g.v_width = std::max<uint64_t>(g.v_width, uint64_t{layer.v_head} * layer.head_count_kv);
}

Graph MakeGraph(const ModelFile& model, const Shape& shape) {
  Graph g{.hyper = model.hyper, .shape = shape, .architecture = model.architecture};
  for (const Layer& layer : model.layers) AddLayer(layer, g);
  if (model.hyper.encoder_only && !model.layers.empty()) {  // attends over the batch itself
    g.has_full = true;
    g.heads = g.kv_heads = model.hyper.head_count;
    g.k_head = g.v_head = model.hyper.embedding / std::max(1u, model.hyper.head_count);
    g.v_width = g.v_head * g.kv_heads;
  }
  const uint64_t tokens = shape.tokens;
  g.f = 4 * tokens;
  g.embedding = model.hyper.embedding * g.f;
  const uint64_t mask = shape.flash ? 2 : 4;
  if (g.has_full) g.masks += shape.cells * tokens * mask;
  if (g.has_window) g.masks += shape.window_cells * tokens * mask;
  g.indices = 16 * tokens;
  if (g.attends() && !shape.flash) {
    g.indices += 8 * tokens * g.v_width * (g.has_window ? 2 : 1);
  }
  return g;
}

// The architectures whose layers are exactly those of llama; the sums below are theirs.
bool IsPlain(const Graph& g) {
  constexpr std::string_view kNames[] = {"llama", "qwen2", "phi3", "mistral3"};
  return std::ranges::find(kNames, g.architecture) != std::end(kNames);
}

// Attention and feed-forward side by side: both read the same input, so more of it is alive.
bool IsParallel(const Graph& g) {
  return g.architecture == "command-r" || g.architecture == "cohere2";
}

// What other layers keep alive at the moment of attention: norms of Q and K, gates, a second
// residual, the compressed and the full Q of MLA. An upper bound of what was measured.
uint64_t KeptBeside(const Graph& g) {
  if (IsPlain(g)) return 0;
  const uint64_t q = g.heads * g.k_head * g.f;
  if (g.hyper.mla) {
    const uint64_t kept = g.embedding + q + g.heads * g.hyper.mla_head * g.f;
    return g.shape.flash ? kept : 2 * kept;
  }
  if (IsParallel(g)) return 2 * g.embedding + 3 * g.feed_forward * g.f;
  const bool gated = g.architecture == "qwen3next" || g.architecture.starts_with("qwen35");
  return (g.has_state ? 3 : 2) * g.embedding + (gated ? 2 : 1) * q;
}

// With a quantised cache Q, K and V are rotated first (a Hadamard matrix): one more copy of the
// hidden state; where Q, K and V come out of one product (phi3), a copy of all three.
uint64_t Rotated(const Graph& g) {
  if (g.shape.k->block_elements == 1) return 0;
  if (g.architecture != "phi3") return g.embedding;
  return g.embedding + (g.heads + 2 * g.kv_heads) * g.k_head * g.f;
}

// What Metal's kernel reserves beside its result (ggml_metal_op_flash_attn_ext): padded K and V,
// partial results of up to 32 rows, and a byte for each block of the mask.
uint64_t FlashScratch(const Graph& g) {
  const Shape& s = g.shape;
  const uint64_t per_stream = s.tokens / s.streams;
  const auto row = [&](const GgmlType& type, uint64_t head) {
    return head * g.kv_heads / type.block_elements * type.block_bytes;
  };
  uint64_t bytes = PadUp(2 * g.k_head * g.cells() * g.kv_heads * s.streams, 16);
  if (!g.hyper.mla) bytes += PadUp(2 * g.v_head * g.cells() * g.kv_heads * s.streams, 16);
  bytes += 4 * std::min<uint64_t>(per_stream, 32) * g.heads * s.streams * 32 * (g.v_head + 2);
  bytes +=
      64 * ((row(*s.k, g.k_head) + row(*s.v, g.v_head)) * g.kv_heads * s.streams + 2 * s.tokens);
  return bytes + PadUp(CeilDiv(per_stream, 8) * CeilDiv(g.cells(), 64) * s.streams, 32);
}

// Flash attention: hidden state, Q and the result. The CPU works in thread buffers of its own, but
// holds the new K and V until they are in the cache (Metal's reordered graph does not).
uint64_t FlashAttentionPeak(const Graph& g) {
  const uint64_t q = g.heads * g.k_head * g.f, result = g.heads * g.v_head * g.f;
  const uint64_t beside =
      g.shape.metal ? FlashScratch(g) : 2 * g.embedding + (g.k_head + g.v_head) * g.kv_heads * g.f;
  return g.masks + g.embedding + q + result + beside + KeptBeside(g) + Rotated(g);
}

uint64_t PlainAttention(const Graph& g) {
  uint64_t scores = g.cells() * g.heads * g.f;
  if (g.architecture.starts_with("t5")) scores *= 2;  // and the relative position bias
  return g.masks + g.indices + g.embedding + scores + g.heads * g.k_head * g.f + KeptBeside(g);
}

// Without flash attention the rows of V that are written are an input, alive to the end.
uint64_t VRows(const Graph& g) { return g.shape.flash ? 0 : g.indices; }

uint64_t FeedForward(const Graph& g) {
  return g.masks + VRows(g) + 2 * g.embedding + 3 * g.feed_forward * g.f +
         (IsParallel(g) ? g.embedding : 0);
}

uint64_t Experts(const Graph& g) {
  const HyperParameters& h = g.hyper;
  const uint64_t ids = 4 * uint64_t{h.expert_count} * (1 + g.shape.tokens) + 8;
  const uint64_t outputs = 3 * g.embedding + 2 * g.embedding * h.expert_used;
  const uint64_t hidden =
      2 * g.embedding + 3 * uint64_t{h.expert_feed_forward} * h.expert_used * g.f;
  return g.masks + VRows(g) + std::max(outputs, hidden) + ids;
}

uint64_t Recurrent(const Graph& g) {
  const HyperParameters& h = g.hyper;
  const uint64_t conv = h.ssm_inner + 2 * uint64_t{h.ssm_groups} * h.ssm_state;
  return g.masks + 2 * g.embedding + (2 * conv + 3 * uint64_t{h.ssm_inner}) * g.f;
}

uint64_t Logits(const Graph& g) {
  const uint64_t rows = std::min(g.shape.outputs, g.shape.tokens);
  return 4 * rows * g.hyper.vocabulary + g.embedding;
}

uint64_t AttentionPeak(const Graph& g) {
  if (!g.attends()) return 0;
  return g.shape.flash && (HasMetalFlashKernel(g.k_head, g.v_head) || !g.shape.metal)
             ? FlashAttentionPeak(g)
             : PlainAttention(g);
}

}  // namespace

ComputeBytes ClosedFormCompute(const ModelFile& model, const Shape& of_context, bool graph_inputs) {
  Shape shape = of_context;
  if (model.hyper.encoder_only) shape.cells = shape.tokens;  // attends over its own batch
  const Graph g = MakeGraph(model, shape);
  const uint64_t attention = AttentionPeak(g);
  uint64_t peak = std::max(Logits(g), attention);
  if (g.feed_forward > 0 && (g.hyper.expert_count == 0 || g.hyper.leading_dense > 0)) {
    peak = std::max(peak, FeedForward(g));
  }
  if (g.hyper.expert_count > 0) peak = std::max(peak, Experts(g));
  if (g.has_state) peak = std::max(peak, Recurrent(g));
  // Before 0.6.0 the rotated copy also lives through the feed-forward part.
  const bool rotated = g.attends() && shape.flash && shape.k->block_elements > 1;
  if (!graph_inputs && rotated && peak != attention) {
    peak += g.embedding;
  }
  ComputeBytes out{peak, g.masks + 2 * g.embedding + g.indices};
  if (graph_inputs) {
    out.device += 2 * g.embedding + 8 * shape.tokens;
    out.host += 2 * g.embedding + 12 * shape.tokens;
  }
  return out;
}

}  // namespace headroom::estimator

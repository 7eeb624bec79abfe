#include "estimator/memory/bound.h"

#include <algorithm>

namespace headroom::estimator {
namespace {

struct Widths {
  uint64_t heads = 0, q = 0, kv = 0, feed_forward = 0, states = 0;
};

Widths WidthsOf(const ModelFile& model) {
  const HyperParameters& h = model.hyper;
  Widths w;
  w.feed_forward = h.feed_forward;
  w.heads = h.head_count;
  for (const Layer& layer : model.layers) {
    const uint64_t head = std::max({layer.k_head, layer.v_head, h.mla_head});
    w.heads = std::max<uint64_t>({w.heads, layer.head_count, layer.head_count_kv});
    w.q = std::max<uint64_t>(w.q, w.heads * head);
    w.kv = std::max<uint64_t>(w.kv, uint64_t{layer.k_width} + layer.v_width);
    w.feed_forward = std::max<uint64_t>(w.feed_forward, layer.feed_forward);
    w.states = std::max<uint64_t>(w.states, layer.conv_state + layer.ssm_state);
  }
  w.q = std::max<uint64_t>(w.q, h.embedding);
  return w;
}

}  // namespace

ComputeBytes BoundCompute(const ModelFile& model, const Shape& shape) {
  const HyperParameters& h = model.hyper;
  const Widths w = WidthsOf(model);
  const uint64_t column = 4 * shape.tokens;  // bytes of one f32 row of the batch
  const uint64_t cells = std::max(shape.cells, shape.tokens);
  const uint64_t mask = cells * column;
  const uint64_t embedding = h.embedding * column;
  const uint64_t attention = 4 * w.q * column + 4 * w.kv * column;
  // Scores of all heads, as without a flash-attention kernel; sparse attention has scores always.
  const uint64_t scores = w.heads * mask;
  // Padded copies of the whole cache that Metal's kernel takes beside its result.
  const uint64_t copies = 2 * w.kv * cells * shape.streams;
  const uint64_t experts = (2 * uint64_t{h.expert_used} + 1) *
                               (h.embedding + 3 * uint64_t{h.expert_feed_forward}) * column +
                           8 * uint64_t{h.expert_count} * column;
  const uint64_t inner = uint64_t{h.ssm_inner} + 2 * uint64_t{h.ssm_groups} * h.ssm_state;
  const uint64_t recurrent = 6 * inner * column + 4 * 4 * w.states * shape.slots;
  const uint64_t logits = 4 * std::min(shape.outputs, shape.tokens) * uint64_t{h.vocabulary};
  ComputeBytes out;
  out.device = 4 * mask + 12 * embedding + attention + scores + copies + experts +
               4 * w.feed_forward * column + recurrent + logits;
  out.host = 4 * mask + 8 * embedding + 2 * w.kv * column * 8;
  return out;
}

}  // namespace headroom::estimator

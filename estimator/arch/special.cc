#include "estimator/arch/special.h"

#include <algorithm>

#include "estimator/arch/rules.h"

namespace headroom::estimator::special {
namespace {

// What hybrid architectures without an attention layer flag do: no KV heads, so it is recurrent.
void MarkRecurrent(Hparams& h) {
  for (uint32_t il = 0; il < h.n_layer_all; ++il) h.is_recr[il] = h.n_head_kv[il] == 0;
}

bool FromRecurrentLayers(Hparams& h, Keys& keys) {
  const auto listed = keys.FindPerLayer("attention.recurrent_layers", h.n_layer_all);
  for (uint32_t il = 0; listed && il < h.n_layer_all; ++il) h.is_recr[il] = (*listed)[il] != 0;
  return listed.has_value();
}

void EveryNthLayerIsFull(Hparams& h, uint32_t interval) {
  for (uint32_t il = 0; il < h.n_layer_all; ++il) {
    h.is_recr[il] = il < h.n_layer() && interval != 0 && (il + 1) % interval != 0;
  }
}

}  // namespace

void RecurrentWithoutKvHeads(Hparams& h, Keys&) { MarkRecurrent(h); }

void EveryLayerBoth(Hparams& h, Keys&) {
  std::fill(h.is_recr.begin(), h.is_recr.end(), true);
  h.both = true;
}

void FullAttentionInterval(Hparams& h, Keys& keys) {
  if (FromRecurrentLayers(h, keys)) return;
  EveryNthLayerIsFull(h, keys.Get("full_attention_interval", 4));
}

void NemotronH(Hparams& h, Keys&) {
  for (uint32_t il = 0; il < h.n_layer_all; ++il) {
    h.is_recr[il] = il < h.n_layer() && h.n_head_kv[il] == 0 && h.n_ff[il] == 0;
    h.no_cache[il] = h.n_ff[il] != 0;  // a feed-forward layer and nothing else
  }
}

void Lfm2(Hparams& h, Keys& keys) {
  h.shortconv = keys.Require("shortconv.l_cache");
  MarkRecurrent(h);
  h.n_swa = keys.Get("attention.sliding_window");
  h.window = h.n_swa > 0;
  for (uint32_t il = 0; h.window && il < h.n_layer_all; ++il) h.is_swa[il] = !h.is_recr[il];
}

void Kda(Hparams& h, Keys& keys) {
  h.kda_head = keys.Require("kda.head_dim");
  MarkRecurrent(h);
}

void KdaLatent(Hparams& h, Keys& keys) {
  Kda(h, keys);
  h.head_v = keys.Get("attention.kv_lora_rank", h.head_v);  // the cache holds the latent
}

void MiniMax01(Hparams& h, Keys& keys) {
  h.la_head = h.head_k;
  h.conv_kernel = 0;  // it has no convolution, whatever the header holds
  if (!FromRecurrentLayers(h, keys)) {
    EveryNthLayerIsFull(h, keys.Get("full_attention_interval", 8));
  }
}

void Rwkv(Hparams& h, Keys& keys) {
  h.wkv_head = keys.Require("wkv.head_size");
  h.token_shift = keys.Get("token_shift_count", 2);
  std::fill(h.is_recr.begin(), h.is_recr.end(), true);
}

void Mamba(Hparams& h, Keys&) { std::fill(h.is_recr.begin(), h.is_recr.end(), true); }

void Exaone4(Hparams& h, Keys& keys) {
  if (h.n_layer() != 64) return;  // only the 32B model has a window
  ApplyWindow({Window::Kind::kDefault, 4, 4096}, h, keys);
}

void Gemma3n(Hparams& h, Keys&) { h.kv_from_start = 20; }

void Gemma4(Hparams& h, Keys& keys) {
  const uint32_t shared = keys.Get("attention.shared_kv_layers");
  h.kv_from_start = static_cast<int>(h.n_layer_all - std::min(shared, h.n_layer_all));
}

// Chunked attention of 8192 unless the header says "sliding_window = 0".
void Llama4(Hparams& h, Keys& keys) {
  const auto size = keys.Find("attention.sliding_window");
  if (size && *size == 0) return;
  ApplyWindow({Window::Kind::kDefault, 4, 8192}, h, keys);
  h.n_swa = 8192;
}

// nanbeige runs its layers several times, each pass with its own cache.
void Nanbeige(Hparams& h, Keys& keys) {
  const uint32_t physical = h.n_layer();
  const uint32_t loops = keys.Get("num_loops", 1);
  if (loops < 2 || physical == 0) return;
  if (loops > kMaxLayers / physical) return keys.Fail("num_loops", "at most 512 layers", nullptr);
  h.Resize(physical * loops);
  for (uint32_t il = physical; il < h.n_layer_all; ++il) {
    const uint32_t source = il % physical;
    h.n_head[il] = h.n_head[source];
    h.n_head_kv[il] = h.n_head_kv[source];
    h.n_ff[il] = h.n_ff[source];
  }
}

// One more layer with a single head, which routes between adapters and is attended.
void GraniteSwitch(Hparams& h, Keys&) {
  const uint32_t real = h.n_layer();
  h.Resize(real + 1);
  h.n_layer_nextn = 1;
  h.router_layer = true;
  h.n_head[real] = h.n_head_kv[real] = 1;
}

}  // namespace headroom::estimator::special

// Architectures with sparse attention: an indexer keeps one more row a token (or a pool of tokens).
// Caches: llama-kv-cache-dsa.cpp, -dsa-iswa.cpp, -msa.cpp, -dsv4.cpp, llama-memory-hybrid-idx.cpp.
#include <algorithm>

#include "estimator/arch/rules.h"
#include "estimator/arch/special.h"

namespace headroom::estimator::special {
namespace {

void MarkIndexers(Hparams& h, bool value) {
  for (uint32_t il = 0; il < h.n_layer_all; ++il) h.is_indexer_full[il] = value && il < h.n_layer();
}

// "attention.indexer.types": 1 = the layer has an indexer, 0 = it shares the one before.
void ReadIndexerTypes(Hparams& h, Keys& keys) {
  const auto types = keys.FindPerLayer("attention.indexer.types", h.n_layer());
  for (uint32_t il = 0; types && il < h.n_layer(); ++il) h.is_indexer_full[il] = (*types)[il] != 0;
}

void KdaLayers(Hparams& h, Keys& keys) {
  h.kda_head = keys.Require("kda.head_dim");
  for (uint32_t il = 0; il < h.n_layer_all; ++il) h.is_recr[il] = h.n_head_kv[il] == 0;
}

}  // namespace

void IndexerOnEveryLayer(Hparams& h, Keys& keys) {
  h.indexer_head = keys.Require("attention.indexer.key_length");
  MarkIndexers(h, true);
}

void GlmDsa(Hparams& h, Keys& keys) {
  IndexerOnEveryLayer(h, keys);
  ReadIndexerTypes(h, keys);
}

void HyV4(Hparams& h, Keys& keys) {
  if (keys.Get("attention.indexer.top_k") == 0) return;  // all layers full attention
  h.indexer_head = keys.Require("attention.indexer.key_length");
  MarkIndexers(h, false);
  ReadIndexerTypes(h, keys);
}

void Dots3Note(Hparams& h, Keys& keys) {
  h.indexer_head = keys.Require("attention.indexer.key_length");
  MarkIndexers(h, false);
  ReadIndexerTypes(h, keys);
}

void MiniMaxM3(Hparams& h, Keys& keys) {
  h.indexer_head = keys.Require("attention.indexer.key_length");
  h.indexer_has_v = true;  // it is no MLA model, so the indexer's cache gets a V tensor too
  const uint32_t dense = keys.Get("leading_dense_block_count");
  for (uint32_t il = 0; il < h.n_layer_all; ++il) {
    h.is_indexer_full[il] = il >= dense && il < h.n_layer();
  }
}

void Glm5Next(Hparams& h, Keys& keys) {
  KdaLayers(h, keys);
  h.head_v = keys.Get("attention.kv_lora_rank", h.head_v);
  h.indexer_head = keys.Require("attention.indexer.key_length");
  h.indexer_rows = 3;  // key, gate and pooled key
  MarkIndexers(h, true);
  ReadIndexerTypes(h, keys);
}

void Qwen4Exp(Hparams& h, Keys& keys) {
  FullAttentionInterval(h, keys);
  h.indexer_head = keys.Get("attention.indexer.key_length");
  const auto ratios = keys.PerLayer("attention.compress_ratios", h.n_layer_all, 0);
  if (std::any_of(ratios.begin(), ratios.end(), [](uint32_t r) { return r != 0; })) {
    h.indexer_rows = 2;  // key and pooled key
  }
  MarkIndexers(h, h.indexer_head > 0);
  // Per-layer embeddings of n-grams: a convolution history of all hyper-connection streams.
  const uint64_t kernel = keys.Get("ple.conv_kernel"), ngram = keys.Get("ple.ngram_size");
  const uint64_t streams = keys.Get("hyper_connection.count");
  if (kernel > 64 || ngram > 64 || streams > 64) return keys.Fail("ple", "small sizes", nullptr);
  for (uint32_t il : keys.FindArray("ple.layers").value_or(std::vector<uint32_t>())) {
    if (il < h.n_layer_all && kernel > 0) h.is_ple[il] = true;
  }
  h.ple_conv = kernel == 0 ? 0 : (kernel - 1) * ngram * streams * h.n_embd;
}

void DeepSeek4(Hparams& h, Keys& keys) {
  h.n_layer_all = h.n_layer();
  h.n_layer_nextn = 0;
  h.Resize(h.n_layer_all);
  h.mla = true;  // K only
  h.streams_apart = true;
  h.n_swa = keys.Require("attention.sliding_window");
  h.window = true;
  h.SetWindowPattern(0);
  h.indexer_head = keys.Require("attention.indexer.key_length");
  h.compress_ratio = keys.PerLayer("attention.compress_ratios", h.n_layer_all, 0);
}

}  // namespace headroom::estimator::special

// Hparams: the hyper-parameters of a header as llama.cpp's llama_hparams has them after loading,
// per layer where llama.cpp has them per layer. Rules (rules.h) adjust it; plan.cc turns it into
// the layers of a ModelFile.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "estimator/gguf/header.h"

namespace headroom::estimator {

// Reads "<architecture>.<key>" of a header; remembers the first error so that rules stay short.
class Keys {
 public:
  Keys(const GgufHeader& header, std::string architecture)
      : header_(header), prefix_(std::move(architecture)) {}

  std::optional<uint32_t> Find(std::string_view key);
  uint32_t Get(std::string_view key, uint32_t fallback = 0) { return Find(key).value_or(fallback); }
  uint32_t Require(std::string_view key);
  // A number for all layers, or an array with at least `layers` entries.
  std::optional<std::vector<uint32_t>> FindPerLayer(std::string_view key, size_t layers);
  std::vector<uint32_t> PerLayer(std::string_view key, size_t layers, uint32_t fallback);
  bool IsArray(std::string_view key) const;
  std::optional<std::vector<uint32_t>> FindArray(std::string_view key);
  const GgufHeader& header() const { return header_; }
  const std::optional<Error>& error() const { return error_; }
  void Fail(std::string_view key, std::string_view expected, const GgufValue* found);

 private:
  const GgufValue* Value(std::string_view key) const;

  const GgufHeader& header_;
  std::string prefix_;
  std::optional<Error> error_;
};

// llama.cpp keeps per-layer arrays of this size and asserts that models stay below it.
inline constexpr uint32_t kMaxLayers = 512;

struct Hparams {
  uint32_t n_layer_all = 0, n_layer_nextn = 0;
  uint32_t n_embd = 0, n_ctx_train = 0, n_vocab = 0;
  std::vector<uint32_t> n_head, n_head_kv, n_ff;  // n_layer_all entries
  std::vector<bool> is_swa, is_recr, is_indexer_full, is_ple, no_cache;
  uint32_t head_k = 0, head_v = 0, head_k_swa = 0, head_v_swa = 0;
  uint32_t n_swa = 0;
  bool window = false;  // swa_type is not NONE
  bool mla = false;
  int kv_from_start = -1;      // only the first layers have a cache of their own
  bool router_layer = false;   // granite-switch: the "nextn" layer is attended
  bool both = false;           // falcon-h1: each layer has a cache and a state
  bool streams_apart = false;  // deepseek4: one stream a slot even if the cache is unified
  // Recurrent state: exactly one of these families is set.
  uint32_t wkv_head = 0, token_shift = 2, shortconv = 0, kda_head = 0, la_head = 0;
  uint32_t conv_kernel = 0, ssm_inner = 0, ssm_state = 0, ssm_groups = 0, ssm_heads = 0;
  uint32_t indexer_head = 0, indexer_rows = 1;
  bool indexer_has_v = false;
  uint64_t ple_conv = 0;  // PLE convolution history a sequence
  std::vector<uint32_t> compress_ratio;

  uint32_t n_layer() const { return n_layer_all - n_layer_nextn; }
  void Resize(uint32_t layers);  // grows or shrinks every per-layer vector
  // Every n-th layer is dense, the others are windowed; 0: all windowed; dense_first: the first of
  // n.
  void SetWindowPattern(uint32_t n, bool dense_first = false);
};

// llama_model_base::load_hparams: what all architectures share.
Hparams LoadCommonHparams(Keys& keys);

}  // namespace headroom::estimator

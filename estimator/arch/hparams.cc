#include "estimator/arch/hparams.h"

#include <algorithm>

namespace headroom::estimator {

const GgufValue* Keys::Value(std::string_view key) const {
  std::string full = prefix_;
  full += '.';
  full += key;
  return header_.Find(full);
}

void Keys::Fail(std::string_view key, std::string_view expected, const GgufValue* found) {
  if (error_) return;
  error_ = Error(Code::kInvalid, "metadata '" + prefix_ + "." + std::string(key) + "': expected " +
                                     std::string(expected) + ", found " +
                                     (found == nullptr ? "nothing" : found->Print()));
}

std::optional<uint32_t> Keys::Find(std::string_view key) {
  const GgufValue* value = Value(key);
  if (value == nullptr) return std::nullopt;
  const auto number = value->AsUint();
  // 2^31 keeps products of two hyper-parameters within 64 bits.
  if (!number || *number > INT32_MAX) {
    Fail(key, "a non-negative integer below 2^31", value);
    return std::nullopt;
  }
  return static_cast<uint32_t>(*number);
}

uint32_t Keys::Require(std::string_view key) {
  const auto value = Find(key);
  if (!value) Fail(key, "an integer", Value(key));
  return value.value_or(0);
}

bool Keys::IsArray(std::string_view key) const {
  const GgufValue* value = Value(key);
  return value != nullptr && value->AsArray() != nullptr;
}

std::optional<std::vector<uint32_t>> Keys::FindArray(std::string_view key) {
  const GgufValue* value = Value(key);
  const GgufArray* array = value == nullptr ? nullptr : value->AsArray();
  if (array == nullptr) return std::nullopt;
  std::vector<uint32_t> out;
  for (int64_t number : array->ints) {
    if (number < 0 || number > INT32_MAX) Fail(key, "non-negative integers below 2^31", value);
    out.push_back(static_cast<uint32_t>(std::clamp<int64_t>(number, 0, INT32_MAX)));
  }
  return out;
}

std::optional<std::vector<uint32_t>> Keys::FindPerLayer(std::string_view key, size_t layers) {
  if (const auto array = FindArray(key)) {
    if (array->size() < layers) {
      Fail(key, "an array with an entry for each of " + std::to_string(layers) + " layers",
           Value(key));
      return std::nullopt;
    }
    return std::vector<uint32_t>(array->begin(), array->begin() + static_cast<ptrdiff_t>(layers));
  }
  const auto number = Find(key);
  if (!number) return std::nullopt;
  return std::vector<uint32_t>(layers, *number);
}

std::vector<uint32_t> Keys::PerLayer(std::string_view key, size_t layers, uint32_t fallback) {
  return FindPerLayer(key, layers).value_or(std::vector<uint32_t>(layers, fallback));
}

void Hparams::Resize(uint32_t layers) {
  n_layer_all = layers;
  for (auto* per_layer : {&n_head, &n_head_kv, &n_ff, &compress_ratio}) per_layer->resize(layers);
  for (auto* flags : {&is_swa, &is_recr, &is_indexer_full, &is_ple, &no_cache})
    flags->resize(layers);
}

void Hparams::SetWindowPattern(uint32_t n, bool dense_first) {
  for (uint32_t il = 0; il < n_layer_all; ++il) {
    const bool windowed = n == 0 || (dense_first ? il % n != 0 : il % n < n - 1);
    is_swa[il] = il < n_layer() && windowed;
  }
}

Hparams LoadCommonHparams(Keys& keys) {
  Hparams h;
  const uint32_t layers = keys.Require("block_count");
  if (layers == 0 || layers > kMaxLayers) keys.Fail("block_count", "1 to 512 layers", nullptr);
  if (keys.error()) return h;
  h.Resize(layers);
  h.n_ctx_train = keys.Get("context_length");
  h.n_embd = keys.Require("embedding_length");
  h.n_layer_nextn = keys.Get("nextn_predict_layers");
  if (h.n_layer_nextn > layers) keys.Fail("nextn_predict_layers", "at most block_count", nullptr);
  h.n_ff = keys.PerLayer("feed_forward_length", layers, 0);
  h.n_head = keys.PerLayer("attention.head_count", layers, 0);
  h.n_head_kv = keys.FindPerLayer("attention.head_count_kv", layers).value_or(h.n_head);
  if (keys.error()) return h;
  if (h.n_head[0] > 0) {
    h.head_k = keys.Get("attention.key_length", h.n_embd / h.n_head[0]);
    h.head_v = keys.Get("attention.value_length", h.n_embd / h.n_head[0]);
  }
  h.head_k_swa = keys.Get("attention.key_length_swa", h.head_k);
  h.head_v_swa = keys.Get("attention.value_length_swa", h.head_v);
  // Every architecture that has these keys uses them in the same way.
  h.mla = keys.Get("attention.key_length_mla") != 0 && keys.Get("attention.value_length_mla") != 0;
  h.conv_kernel = keys.Get("ssm.conv_kernel");
  h.ssm_inner = keys.Get("ssm.inner_size");
  h.ssm_state = keys.Get("ssm.state_size");
  h.ssm_groups = keys.Get("ssm.group_count");
  h.ssm_heads = keys.Get("ssm.time_step_rank");
  return h;
}

}  // namespace headroom::estimator

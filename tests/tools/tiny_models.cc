#include "tests/tools/tiny_models.h"

#include <cstdio>
#include <random>

namespace headroom::testing {
namespace {

struct Shape {
  const char* name;
  uint32_t layers, embedding, heads, kv_heads, head, feed_forward, context;
};

constexpr uint32_t kVocabulary = 320;
constexpr uint32_t kBosToken = 1, kEosToken = 2;

// Types of the SPM tokenizer (llama_token_type).
constexpr int32_t kNormal = 1, kUnknown = 2, kControl = 3, kByte = 6;

class Weights {
 public:
  std::vector<float> Random(uint64_t count) {
    std::vector<float> out(count);
    // mt19937's raw numbers are the same everywhere, the standard distributions are not.
    for (float& w : out) w = (static_cast<float>(engine_() >> 8) / (1 << 24) - 0.5f) * 0.2f;
    return out;
  }

 private:
  std::mt19937 engine_{20240607};
};

void AddTokenizer(GgufWriter& out) {
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
  std::vector<int32_t> types = {kUnknown, kControl, kControl};
  std::vector<float> scores = {0, 0, 0};
  for (int byte = 0; byte < 256; ++byte) {
    char text[8];
    std::snprintf(text, sizeof text, "<0x%02X>", byte);
    tokens.push_back(text);
    types.push_back(kByte);
    scores.push_back(0);
  }
  const std::string pieces = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,!?:-'";
  tokens.push_back("\xe2\x96\x81");  // U+2581, how SPM writes a blank
  for (char c : pieces) tokens.push_back(std::string(1, c));
  while (tokens.size() < kVocabulary) tokens.push_back("\xe2\x96\x81" + pieces.substr(0, 1));
  while (types.size() < kVocabulary) {
    scores.push_back(-static_cast<float>(types.size()));
    types.push_back(kNormal);
  }
  out.Add("tokenizer.ggml.model", "llama")
      .Add("tokenizer.ggml.tokens", tokens)
      .Add("tokenizer.ggml.scores", scores)
      .Add("tokenizer.ggml.token_type", types)
      .Add("tokenizer.ggml.bos_token_id", kBosToken)
      .Add("tokenizer.ggml.eos_token_id", kEosToken)
      .Add("tokenizer.ggml.unknown_token_id", uint32_t{0})
      .Add("tokenizer.chat_template",
           "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n"
           "{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}");
}

void AddLayer(GgufWriter& out, const Shape& s, Weights& weights, uint32_t layer) {
  const std::string blk = "blk." + std::to_string(layer) + ".";
  const uint64_t e = s.embedding, q = uint64_t{s.heads} * s.head,
                 kv = uint64_t{s.kv_heads} * s.head;
  const uint64_t f = s.feed_forward;
  const auto add = [&](const char* name, uint64_t columns, uint64_t rows) {
    out.AddF32(blk + name + ".weight", {columns, rows}, weights.Random(columns * rows));
  };
  out.AddF32(blk + "attn_norm.weight", {e}, std::vector<float>(e, 1.0f));
  add("attn_q", e, q);
  add("attn_k", e, kv);
  add("attn_v", e, kv);
  add("attn_output", q, e);
  out.AddF32(blk + "ffn_norm.weight", {e}, std::vector<float>(e, 1.0f));
  add("ffn_gate", e, f);
  add("ffn_up", e, f);
  add("ffn_down", f, e);
}

GgufWriter MakeModel(const Shape& s) {
  GgufWriter out;
  Weights weights;
  out.Add("general.architecture", "llama")
      .Add("general.name", s.name)
      .Add("general.file_type", uint32_t{0})
      .Add("llama.block_count", s.layers)
      .Add("llama.context_length", s.context)
      .Add("llama.embedding_length", s.embedding)
      .Add("llama.feed_forward_length", s.feed_forward)
      .Add("llama.attention.head_count", s.heads)
      .Add("llama.attention.head_count_kv", s.kv_heads)
      .Add("llama.attention.key_length", s.head)
      .Add("llama.attention.value_length", s.head)
      .Add("llama.attention.layer_norm_rms_epsilon", 1e-5f)
      .Add("llama.rope.dimension_count", s.head)
      .Add("llama.rope.freq_base", 10000.0f)
      .Add("llama.vocab_size", kVocabulary);
  AddTokenizer(out);
  const uint64_t e = s.embedding, v = kVocabulary;
  out.AddF32("token_embd.weight", {e, v}, weights.Random(e * v));
  for (uint32_t layer = 0; layer < s.layers; ++layer) AddLayer(out, s, weights, layer);
  out.AddF32("output_norm.weight", {e}, std::vector<float>(e, 1.0f));
  out.AddF32("output.weight", {e, v}, weights.Random(e * v));
  return out;
}

}  // namespace

GgufWriter TinyModel() {
  return MakeModel({.name = "tiny",
                    .layers = 2,
                    .embedding = 64,
                    .heads = 4,
                    .kv_heads = 2,
                    .head = 16,
                    .feed_forward = 128,
                    .context = 32768});
}

GgufWriter KvHeavyModel() {
  return MakeModel({.name = "kvheavy",
                    .layers = 4,
                    .embedding = 64,
                    .heads = 4,
                    .kv_heads = 4,
                    .head = 256,
                    .feed_forward = 128,
                    .context = 1048576});
}

}  // namespace headroom::testing

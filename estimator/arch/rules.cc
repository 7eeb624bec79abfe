#include "estimator/arch/rules.h"

#include <algorithm>
#include <array>

#include "estimator/arch/special.h"

namespace headroom::estimator {
namespace {

using Kind = Window::Kind;

constexpr auto kHybrid = Memory::kHybrid;
constexpr auto kRecurrent = Memory::kRecurrent;
constexpr auto kNone = Memory::kNone;

constexpr Window Optional(uint32_t period, bool dense_first = false) {
  return {Kind::kOptional, period, 0, dense_first};
}
constexpr Window Required(uint32_t period, bool dense_first = false) {
  return {Kind::kRequired, period, 0, dense_first};
}
constexpr Window Default(uint32_t period, uint32_t size) { return {Kind::kDefault, period, size}; }

// Sorted by name. No entry after the name: a KV cache over all layers, no window.
constexpr Rule kRules[] = {
    {"afmoe", {}, Optional(4)},
    {"apertus"},
    {"arcee"},
    {"arctic"},
    {"arwkv7", kRecurrent, {}, special::Rwkv},
    {"baichuan"},
    {"bailingmoe"},
    {"bailingmoe2"},
    {"bailingmoe3", kHybrid, {}, special::Kda},
    {"bert", kNone},
    {"bitnet"},
    {"bloom"},
    {"chameleon"},
    {"chatglm"},
    {"codeshell"},
    {"cogvlm"},
    {"cohere2", {}, Required(4)},
    {"cohere2moe", {}, Required(4, true)},
    {"command-r"},
    {"dbrx"},
    {"deci"},
    {"deepseek"},
    {"deepseek2"},
    {"deepseek2-ocr"},
    {"deepseek32", {}, {}, special::IndexerOnEveryLayer},
    {"deepseek4", kHybrid, {}, special::DeepSeek4},
    {"dots1"},
    {"dots3note", {}, Required(0), special::Dots3Note},
    {"dream", kNone},
    {"ernie4_5"},
    {"ernie4_5-moe"},
    {"eurobert", kNone},
    {"exaone"},
    {"exaone-moe", {}, Default(4, 128)},
    {"exaone4", {}, {}, special::Exaone4},
    {"falcon"},
    {"falcon-h1", kHybrid, {}, special::EveryLayerBoth},
    {"gemma"},
    {"gemma-embedding", kNone},
    {"gemma2", {}, Default(2, 4096)},
    {"gemma3", {}, Optional(6)},
    {"gemma3n", {}, Required(5), special::Gemma3n},
    {"gemma4", {}, Required(0), special::Gemma4},
    {"glm-dsa", {}, {}, special::GlmDsa},
    {"glm4"},
    {"glm4moe"},
    {"glm5-next", kHybrid, {}, special::Glm5Next},
    {"gpt-oss", {}, Required(2)},
    {"gpt2"},
    {"gptneox"},
    {"granite"},
    {"granite_swa", {}, Required(0)},
    {"granitehybrid", kHybrid, {}, special::RecurrentWithoutKvHeads},
    {"granitemoe"},
    {"graniteswitch", {}, {}, special::GraniteSwitch},
    {"grok"},
    {"grovemoe"},
    {"hrm_text"},
    {"hunyuan-dense"},
    {"hunyuan-moe"},
    {"hunyuan_vl"},
    {"hy_v3"},
    {"hy_v4", {}, {}, special::HyV4},
    {"internlm2"},
    {"jais"},
    {"jais2"},
    {"jamba", kHybrid, {}, special::RecurrentWithoutKvHeads},
    {"jina-bert-v2", kNone},
    {"jina-bert-v3", kNone},
    {"kimi-k3", kHybrid, {}, special::KdaLatent},
    {"kimi-linear", kHybrid, {}, special::Kda},
    {"laguna", {}, Optional(4, true)},
    {"lfm2", kHybrid, {}, special::Lfm2},
    {"lfm2moe", kHybrid, {}, special::Lfm2},
    {"llada", kNone},
    {"llada-moe", kNone},
    {"llama"},
    {"llama-embed"},
    {"llama4", {}, {}, special::Llama4},
    {"maincoder"},
    {"mamba", kRecurrent, {}, special::Mamba},
    {"mamba2", kRecurrent, {}, special::Mamba},
    {"maple", {}, Required(0)},
    {"mellum", {}, Optional(4)},
    {"mimo2", {}, Required(0)},
    {"minicpm"},
    {"minicpm3"},
    {"minimax-01", kHybrid, {}, special::MiniMax01},
    {"minimax-m2"},
    {"minimax-m3", {}, {}, special::MiniMaxM3},
    {"mistral3"},
    {"mistral4"},
    {"modern-bert", kNone},
    {"mpt"},
    {"muse-glimmer", {}, Required(4)},
    {"nanbeige", {}, {}, special::Nanbeige},
    {"nemotron"},
    {"nemotron_h", kHybrid, {}, special::NemotronH},
    {"nemotron_h_moe", kHybrid, {}, special::NemotronH},
    {"neo-bert", kNone},
    {"nomic-bert", kNone},
    {"nomic-bert-moe", kNone},
    {"olmo"},
    {"olmo2", {}, Optional(4)},
    {"olmoe"},
    {"openelm"},
    {"orion"},
    {"paddleocr"},
    {"pangu-embedded"},
    {"phi2"},
    {"phi3"},  // load_arch_hparams switches its window off: converters fill it in wrongly
    {"phimoe"},
    {"plamo"},
    {"plamo2", kHybrid, {}, special::RecurrentWithoutKvHeads},
    {"plamo3", {}, Optional(8)},
    {"plm"},
    {"pockettts"},
    {"qwen"},
    {"qwen2"},
    {"qwen2moe"},
    {"qwen2vl"},
    {"qwen3"},
    {"qwen35", kHybrid, {}, special::FullAttentionInterval},
    {"qwen35moe", kHybrid, {}, special::FullAttentionInterval},
    {"qwen3moe"},
    {"qwen3next", kHybrid, {}, special::FullAttentionInterval},
    {"qwen3tts"},
    {"qwen3vl"},
    {"qwen3vlmoe"},
    {"qwen4exp", kHybrid, {}, special::Qwen4Exp},
    {"refact"},
    {"rnd1", kNone},
    {"rwkv6", kRecurrent, {}, special::Rwkv},
    {"rwkv6qwen2", kRecurrent, {}, special::Rwkv},
    {"rwkv7", kRecurrent, {}, special::Rwkv},
    {"seed_oss"},
    {"smallthinker", {}, {Kind::kFixed, 4, 4096, true}},
    {"smollm3"},
    {"spark2_5", {}, Required(0)},
    {"stablelm"},
    {"starcoder"},
    {"starcoder2"},
    {"step35", {}, Required(0)},
    {"t5"},
    {"t5encoder"},
    {"talkie"},
    {"xverse"},
};

static_assert(std::ranges::is_sorted(kRules, {}, &Rule::name), "FindRule searches by halves");

}  // namespace

std::span<const Rule> AllRules() { return kRules; }

const Rule* FindRule(std::string_view name) {
  const Rule* rule = std::ranges::lower_bound(kRules, name, {}, &Rule::name);
  return rule == std::end(kRules) || rule->name != name ? nullptr : rule;
}

// load_swa_pattern(): an array in the header says it per layer, a number is the period.
void ApplyWindow(const Window& window, Hparams& h, Keys& keys) {
  if (window.kind == Kind::kNone) return;
  const auto size = keys.Find("attention.sliding_window");
  switch (window.kind) {
    case Kind::kNone: return;
    case Kind::kOptional:
      if (!size || *size == 0) return;
      h.n_swa = *size;
      break;
    case Kind::kRequired: h.n_swa = keys.Require("attention.sliding_window"); break;
    case Kind::kDefault: h.n_swa = size.value_or(window.size); break;
    case Kind::kFixed:
      if (!size || *size == 0) return;
      h.n_swa = window.size;
      break;
  }
  h.window = true;
  constexpr std::string_view kPattern = "attention.sliding_window_pattern";
  if (keys.IsArray(kPattern)) {
    const auto pattern = keys.FindPerLayer(kPattern, h.n_layer_all);
    for (uint32_t il = 0; pattern && il < h.n_layer_all; ++il) h.is_swa[il] = (*pattern)[il] != 0;
    return;
  }
  h.SetWindowPattern(keys.Get(kPattern, window.period), window.dense_first);
}

}  // namespace headroom::estimator

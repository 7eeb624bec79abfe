#include "estimator/model.h"

#include <algorithm>

#include "estimator/arch/plan.h"
#include "estimator/arch/rules.h"
#include "estimator/graph/structure.h"
#include "estimator/graph/symbols.h"
#include "estimator/tensors.h"

namespace headroom::estimator {
namespace {

// An architecture without a rule: as much as any known one could need from the same keys.
constexpr Rule kUnknownArchitecture = {.name = "", .memory = Memory::kCache};

Result<std::string> Architecture(const GgufHeader& header) {
  std::string architecture = header.String("general.architecture");
  if (architecture.empty()) {
    return Error(Code::kInvalid, "metadata 'general.architecture' is missing: not a model file");
  }
  const std::string type = header.String("general.type");
  if (architecture == "clip" || type == "mmproj" || type == "adapter" || type == "vocab") {
    return Error(Code::kUnsupported, "the file is a " + (type.empty() ? architecture : type) +
                                         ", not a language model; name the model's own file");
  }
  return architecture;
}

uint32_t VocabularySize(const std::vector<GgufHeader>& parts, Keys& keys) {
  const GgufValue* tokens = parts[0].Find("tokenizer.ggml.tokens");
  if (tokens != nullptr && tokens->AsArray() != nullptr) {
    return static_cast<uint32_t>(tokens->AsArray()->length);
  }
  return keys.Get("vocab_size");
}

uint32_t Largest(const std::vector<uint32_t>& values) {
  return values.empty() ? 0 : *std::max_element(values.begin(), values.end());
}

HyperParameters Summarise(const Hparams& h, Keys& keys, const Rule& rule) {
  HyperParameters out;
  out.embedding = h.n_embd;
  out.vocabulary = h.n_vocab;
  out.context_train = h.n_ctx_train;
  out.layer_count = h.n_layer();
  out.nextn_layers = h.router_layer ? 0 : h.n_layer_nextn;
  out.head_count = Largest(h.n_head);
  out.window = h.window ? h.n_swa : 0;
  out.expert_count = keys.Get("expert_count");
  out.expert_used = Largest(keys.PerLayer("expert_used_count", h.n_layer(), 0));
  out.expert_feed_forward = Largest(keys.PerLayer("expert_feed_forward_length", h.n_layer(), 0));
  out.leading_dense = keys.Get("leading_dense_block_count");
  out.feed_forward = Largest(h.n_ff);
  out.conv_kernel = h.conv_kernel;
  out.ssm_inner = h.ssm_inner;
  out.ssm_state = h.ssm_state;
  out.ssm_groups = h.ssm_groups;
  out.ssm_heads = h.ssm_heads;
  out.mla = h.mla;
  out.mla_head = h.mla ? keys.Get("attention.key_length_mla") : 0;
  out.streams_apart = h.streams_apart;
  out.encoder_only = rule.memory == Memory::kNone;
  out.flash_attention = rule.name != "grok";  // llama_init_from_model() turns it off
  for (uint32_t il = 0; il < h.n_layer_all; ++il) {
    // Not checked yet: a hostile product must not wrap around.
    const uint64_t head = h.is_swa[il] ? h.head_v_swa : h.head_v;
    const uint64_t width = std::min<uint64_t>(head * h.n_head_kv[il], UINT32_MAX);
    out.max_v_width = std::max(out.max_v_width, static_cast<uint32_t>(width));
  }
  return out;
}

struct Range {
  std::string_view what;
  uint64_t value, limit;
};

// Limits far above any model that keep every product of the estimate below 2^62, whatever a hostile
// header claims: a sum that wrapped around would let a giant pass as small.
Result<void> CheckRanges(const Hparams& h, const HyperParameters& hyper) {
  const uint64_t head =
      std::max({h.head_k, h.head_v, h.head_k_swa, h.head_v_swa, h.indexer_head * h.indexer_rows,
                h.kda_head, h.wkv_head, h.la_head, hyper.mla_head});
  const uint64_t heads = std::max(Largest(h.n_head), Largest(h.n_head_kv));
  for (const Range& range :
       {Range{"embedding_length", h.n_embd, 1 << 24}, Range{"head size", head, 1 << 14},
        Range{"head count", heads, 1 << 14}, Range{"heads x head size", heads * head, 1 << 20},
        Range{"feed_forward_length", Largest(h.n_ff), 1 << 24},
        Range{"expert_feed_forward_length", hyper.expert_feed_forward, 1 << 24},
        Range{"expert count", std::max(hyper.expert_count, hyper.expert_used), 1 << 16},
        Range{"ssm.inner_size", h.ssm_inner, 1 << 20},
        Range{"ssm.state_size", h.ssm_state, 1 << 16},
        Range{"ssm.group_count", h.ssm_groups, 1 << 14},
        Range{"convolution", std::max({h.conv_kernel, h.token_shift, h.shortconv}), 1 << 10}}) {
    if (range.value <= range.limit) continue;
    return Error(Code::kInvalid, std::string(range.what) + " " + std::to_string(range.value) +
                                     " is out of range (at most " + std::to_string(range.limit) +
                                     ")");
  }
  if (h.n_embd == 0) return Error(Code::kInvalid, "embedding_length is 0");
  return {};
}

void AddBoundWarning(ModelFile& model, const Hparams& h) {
  model.bound = true;
  model.warnings.push_back("unknown architecture '" + model.architecture +
                           "': sizes are an upper bound from its generic keys");
  // Every layer may be a full-attention layer with as many K/V heads as heads.
  for (Layer& layer : model.layers) {
    const uint32_t heads = std::max(layer.head_count, layer.head_count_kv);
    layer.cache = Cache::kFull;
    layer.k_width = std::max(h.head_k, h.head_k_swa) * heads;
    layer.v_width = std::max(h.head_v, h.head_v_swa) * heads;
    layer.recurrent = h.ssm_inner > 0;
    layer.conv_state = ConvStateElements(h);
    layer.ssm_state = SsmStateElements(h);
  }
}

}  // namespace

uint64_t ModelFile::MemoryUse() const {
  uint64_t bytes = sizeof(ModelFile) + layers.capacity() * sizeof(Layer) +
                   symbols.capacity() * sizeof(ModelSymbol) +
                   structure.layers.capacity() * sizeof(uint64_t);
  for (const std::string& text : warnings) bytes += sizeof(std::string) + text.capacity();
  return bytes + architecture.capacity() + name.capacity() + quantization.capacity();
}

std::vector<std::string> KnownArchitectures() {
  std::vector<std::string> names;
  for (const Rule& rule : AllRules()) names.emplace_back(rule.name);
  return names;
}

Result<ModelFile> DescribeModel(const std::vector<GgufHeader>& parts, uint64_t file_bytes) {
  if (parts.empty()) return Error(Code::kInvalid, "no GGUF header given");
  auto architecture = Architecture(parts[0]);
  if (!architecture) return architecture.error();
  ModelFile model;
  model.architecture = std::move(*architecture);
  const Rule* rule = FindRule(model.architecture);
  Keys keys(parts[0], model.architecture);
  Hparams h = LoadCommonHparams(keys);
  if (keys.error() && rule == nullptr) {
    return Error(Code::kUnsupported, "unknown architecture '" + model.architecture +
                                         "' and no bound: " + keys.error()->message());
  }
  if (keys.error()) return *keys.error();
  if (rule == nullptr && keys.Find("attention.relative_buckets_count")) {
    return Error(Code::kUnsupported, "unknown architecture '" + model.architecture +
                                         "' and no bound: it has an encoder and a decoder");
  }
  h.n_vocab = VocabularySize(parts, keys);
  if (rule != nullptr) {
    ApplyWindow(rule->window, h, keys);
    if (rule->adjust != nullptr && !keys.error()) rule->adjust(h, keys);
  }
  const Rule& used = rule != nullptr ? *rule : kUnknownArchitecture;
  model.hyper = Summarise(h, keys, used);
  if (keys.error()) return *keys.error();
  if (auto checked = CheckRanges(h, model.hyper); !checked) return checked.error();
  model.layers = PlanLayers(h, used.memory);
  model.symbols = CollectSymbols(parts[0], model.architecture, h.n_vocab);
  model.name = parts[0].String("general.name");
  if (const auto type = parts[0].Uint("general.file_type")) {
    model.quantization = FileTypeName(*type);
  }
  model.tensors =
      SumTensors(parts, model.architecture, h.router_layer ? h.n_layer_all : h.n_layer());
  model.structure = DescribeStructure(parts, model);
  model.file_bytes = file_bytes;
  for (const GgufHeader& part : parts) {
    model.header_bytes += part.header_bytes;
    if (file_bytes == 0) model.file_bytes += part.MinFileBytes();
  }
  if (rule == nullptr) AddBoundWarning(model, h);
  return model;
}

Result<ModelFile> DescribePartial(const GgufHeader& header, uint64_t file_bytes) {
  // Writers put the architecture's keys first, then the tokenizer's: gguf-py and llama-quantize.
  const auto first_tokenizer_key = header.metadata.lower_bound("tokenizer.");
  const bool complete = first_tokenizer_key != header.metadata.end() &&
                        first_tokenizer_key->first.starts_with("tokenizer.");
  if (!complete) {
    return Error(Code::kUnavailable, "too little of the header was read for a bound");
  }
  auto model = DescribeModel({header}, file_bytes);
  if (!model) return model;
  model->bound = true;
  constexpr uint32_t kLargestVocabulary = 300'000;  // the largest known has 262,144 tokens
  if (model->hyper.vocabulary == 0) model->hyper.vocabulary = kLargestVocabulary;
  // The file may be all tensors, and the embedding may be loaded twice, in f32 at most.
  const uint64_t embedding = 4 * uint64_t{model->hyper.vocabulary} * model->hyper.embedding;
  model->tensors = {};
  model->tensors.device = file_bytes + std::min(embedding, file_bytes);
  model->tensors.on_cpu = file_bytes;
  constexpr uint32_t kTensorsALayer = 16;  // only lifts the limit of the graph's size
  model->tensors.count = kTensorsALayer * static_cast<uint32_t>(model->layers.size());
  // A larger header than any known, for the vocabulary in memory.
  model->header_bytes = std::min<uint64_t>(file_bytes, 24u << 20);
  model->warnings.push_back(
      "only the start of the header was read in time: sizes are an upper bound");
  return model;
}

}  // namespace headroom::estimator

// llama-server's options that decide memory (common/arg.cpp of llama.cpp 0.5.0 to 0.7.0).
#include <algorithm>
#include <charconv>

#include "estimator/serving_option_table.h"

namespace headroom::estimator {
namespace {

Result<int64_t> Number(std::string_view text) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    return Error(Code::kInvalid,
                 "expected a number, got '" + std::string(text.substr(0, 40)) + "'");
  }
  return value;
}

Result<uint32_t> Count(std::string_view text, int64_t at_least = 0) {
  const auto value = Number(text);
  if (!value) return value.error();
  if (*value < at_least || *value > INT32_MAX) {
    return Error(Code::kInvalid, "expected a number from " + std::to_string(at_least) +
                                     " to 2147483647, got '" + std::to_string(*value) + "'");
  }
  return static_cast<uint32_t>(*value);
}

ServingOptions& Serving(ParseState& state) { return state.command.serving; }

template <auto Field>
Result<void> SetCount(ParseState& state, OptionValue value) {
  const auto count = Count(value.text);
  if (!count) return count.error();
  Serving(state).*Field = *count;
  return {};
}

template <auto Field>
Result<void> SetDraftCount(ParseState& state, OptionValue value) {
  const auto count = Count(value.text);
  if (!count) return count.error();
  state.*Field = *count;
  return {};
}

template <auto Field, auto Parse>
Result<void> SetParsed(ParseState& state, OptionValue value) {
  auto parsed = Parse(value.text);
  if (!parsed) return parsed.error();
  Serving(state).*Field = std::move(*parsed);
  return {};
}

template <auto Field>
Result<void> SetSwitch(ParseState& state, OptionValue value) {
  Serving(state).*Field = value.on;
  return {};
}

template <auto Field>
Result<void> SetDraftType(ParseState& state, OptionValue value) {
  auto type = ParseCacheType(value.text);
  if (!type) return type.error();
  Serving(state).speculative.*Field = std::move(*type);
  return {};
}

Result<void> SetContext(ParseState& state, OptionValue value) {
  state.context_given = true;
  return SetCount<&ServingOptions::context>(state, value);
}

Result<void> SetContextPerSlot(ParseState& state, OptionValue value) {
  const auto count = Count(value.text);
  if (!count) return count.error();
  state.context_per_slot = *count;
  return {};
}

Result<void> SetParallel(ParseState& state, OptionValue value) {
  const auto number = Number(value.text);
  if (!number) return number.error();
  if (*number == 0) return Error(Code::kInvalid, "expected 1 or more slots, or -1, got '0'");
  if (*number < 0) {  // llama-server's own choice
    Serving(state).parallel = 0;
    return {};
  }
  return SetCount<&ServingOptions::parallel>(state, value);
}

Result<void> SetPromptCache(ParseState& state, OptionValue value) {
  const auto number = Number(value.text);
  if (!number) return number.error();
  if (*number < 0) {
    Serving(state).prompt_cache_mib = ServingOptions::kUnlimited;
    return {};
  }
  return SetCount<&ServingOptions::prompt_cache_mib>(state, value);
}

Result<void> SetGpuLayers(ParseState& state, OptionValue value) {
  Serving(state).gpu_layers.reset();
  if (value.text == "auto" || value.text == "all") return {};
  const auto number = Number(value.text);
  if (!number) return number.error();
  if (*number < 0) return {};
  const auto count = Count(value.text);
  if (!count) return count.error();
  Serving(state).gpu_layers = *count;
  if (*count == 0) Serving(state).device = Device::kCpu;
  return {};
}

Result<void> SetDevice(ParseState& state, OptionValue value) {
  const bool cpu = value.text == "none" || value.text == "CPU";
  Serving(state).device = cpu ? Device::kCpu : Device::kMetal;
  return {};
}

Result<void> SetMmap(ParseState& state, OptionValue value) {
  Serving(state).load_mode = value.on ? LoadMode::kMmap : LoadMode::kNone;
  return {};
}

Result<void> SetEmbeddings(ParseState& state, OptionValue value) {
  if (value.on) Serving(state).embeddings = true;
  return {};
}

Result<void> SetModel(ParseState& state, OptionValue value) {
  state.command.model = value.text;
  return {};
}

Result<void> SetDraftUbatch(ParseState& state, OptionValue value) {
  const auto count = Count(value.text);
  if (!count) return count.error();
  Serving(state).speculative.ubatch = *count;
  return {};
}

Result<void> SetDrafters(ParseState& state, OptionValue value) {
  state.drafters = value.text;
  return {};
}

Result<void> AddNgramMod(ParseState& state, OptionValue) {
  state.drafters += state.drafters.empty() ? "ngram-mod" : ",ngram-mod";
  return {};
}

// Overridden tokenizer flags and names change no byte; other keys change the model itself.
Result<void> CheckOverride(ParseState&, OptionValue value) {
  for (std::string_view rest = value.text; !rest.empty();) {
    const std::string_view one = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    if (one.starts_with("tokenizer.") || one.starts_with("general.")) continue;
    return Error(Code::kInvalid, "'" + std::string(one.substr(0, one.find('='))) +
                                     "' changes what the size is computed from; only tokenizer.* "
                                     "and general.* can be overridden");
  }
  return {};
}

constexpr std::string_view kOtherModel =
    "names a model to download; give its file or URL as the model's source instead";
constexpr std::string_view kRouter = "starts a router that loads further models";
constexpr std::string_view kRemoved = "this option has been removed from llama-server";
constexpr std::string_view kPreset =
    "downloads a preset model; give its file or URL as the model's source instead";

using O = ServingOptions;
using S = ParseState;
using Role = Companion::Role;
constexpr auto kSets = Effect::kSets;
constexpr auto kFile = Effect::kCompanion;
constexpr auto kOther = Effect::kOther;

constexpr ServerOption Refused(std::string_view names, uint8_t values, std::string_view note,
                               std::string_view env = {}) {
  return {names, "", values, kOther, env, nullptr, {}, note};
}
constexpr ServerOption File(std::string_view names, Role role, std::string_view env = {}) {
  return {names, "", 1, kFile, env, nullptr, role};
}

constexpr auto kOptions = std::to_array<ServerOption>({
    {"-c --ctx-size", "", 1, kSets, "LLAMA_ARG_CTX_SIZE", SetContext},
    {"--kv-unified-per-slot", "", 1, kSets, "LLAMA_ARG_KV_UNIFIED_PER_SLOT", SetContextPerSlot},
    {"-np --parallel", "", 1, kSets, "LLAMA_ARG_N_PARALLEL", SetParallel},
    {"-kvu --kv-unified", "-no-kvu --no-kv-unified", 0, kSets, "LLAMA_ARG_KV_UNIFIED",
     SetSwitch<&O::kv_unified>},
    {"-b --batch-size", "", 1, kSets, "LLAMA_ARG_BATCH", SetCount<&O::batch>},
    {"-ub --ubatch-size", "", 1, kSets, "LLAMA_ARG_UBATCH", SetCount<&O::ubatch>},
    {"-fa --flash-attn", "", 1, kSets, "LLAMA_ARG_FLASH_ATTN",
     SetParsed<&O::flash_attention, ParseFlashAttention>},
    {"-ctk --cache-type-k", "", 1, kSets, "LLAMA_ARG_CACHE_TYPE_K",
     SetParsed<&O::cache_type_k, ParseCacheType>},
    {"-ctv --cache-type-v", "", 1, kSets, "LLAMA_ARG_CACHE_TYPE_V",
     SetParsed<&O::cache_type_v, ParseCacheType>},
    {"--swa-full", "", 0, kSets, "LLAMA_ARG_SWA_FULL", SetSwitch<&O::swa_full>},
    {"-cram --cache-ram", "", 1, kSets, "LLAMA_ARG_CACHE_RAM", SetPromptCache},
    {"-ctxcp --ctx-checkpoints --swa-checkpoints", "", 1, kSets, "LLAMA_ARG_CTX_CHECKPOINTS",
     SetCount<&O::context_checkpoints>},
    {"-cms --checkpoint-min-step", "", 1, kSets, "LLAMA_ARG_CHECKPOINT_MIN_SPACING_NT",
     SetCount<&O::checkpoint_min_step>},
    {"-ngl --gpu-layers --n-gpu-layers", "", 1, kSets, "LLAMA_ARG_N_GPU_LAYERS", SetGpuLayers},
    {"-dev --device", "", 1, kSets, "LLAMA_ARG_DEVICE", SetDevice},
    {"-lm --load-mode", "", 1, kSets, "LLAMA_ARG_LOAD_MODE",
     SetParsed<&O::load_mode, ParseLoadMode>},
    {"--mmap", "--no-mmap", 0, kSets, "LLAMA_ARG_MMAP", SetMmap},  // before 0.5.0
    {"--moe-cache-mib", "", 1, kSets, "LLAMA_ARG_MOE_CACHE_MIB", SetCount<&O::expert_cache_mib>},
    {"-bs --backend-sampling", "", 0, kSets, "LLAMA_ARG_BACKEND_SAMPLING",
     SetSwitch<&O::backend_sampling>},
    {"--embedding --embeddings", "", 0, kSets, "LLAMA_ARG_EMBEDDINGS", SetEmbeddings},
    {"--rerank --reranking", "", 0, kSets, "LLAMA_ARG_RERANKING", SetEmbeddings},
    {"--override-kv", "", 1, kSets, "", CheckOverride},
    {"-m --model", "", 1, kSets, "LLAMA_ARG_MODEL", SetModel},

    // In one memory it does not matter where a tensor lies; the total stays the same.
    {"-kvo --kv-offload", "-nkvo --no-kv-offload", 0, Effect::kNone, "LLAMA_ARG_KV_OFFLOAD"},
    {"-ot --override-tensor", "", 1, Effect::kNone, "LLAMA_ARG_OVERRIDE_TENSOR"},
    {"-cmoe --cpu-moe", "", 0, Effect::kNone, "LLAMA_ARG_CPU_MOE"},
    {"-ncmoe --n-cpu-moe", "", 1, Effect::kNone, "LLAMA_ARG_N_CPU_MOE"},
    {"-ncffn --n-cpu-ffn", "", 1, Effect::kNone, "LLAMA_ARG_N_CPU_FFN"},
    {"--spec-draft-override-tensor -otd --override-tensor-draft", "", 1, Effect::kNone},
    {"--repack", "-nr --no-repack", 0, Effect::kNone, "LLAMA_ARG_REPACK"},
    {"--rpc", "", 1, Effect::kNone, "LLAMA_ARG_RPC"},       // takes some of it to other machines
    {"-fit --fit", "", 1, Effect::kNone, "LLAMA_ARG_FIT"},  // may only make the context smaller

    File("-mm --mmproj", Role::kProjector, "LLAMA_ARG_MMPROJ"),
    File("-mmu --mmproj-url", Role::kProjector, "LLAMA_ARG_MMPROJ_URL"),
    // Only says whether -hf looks for a projector, and -hf is refused.
    {"--mmproj-auto", "--no-mmproj --no-mmproj-auto", 0, Effect::kNone, "LLAMA_ARG_MMPROJ_AUTO"},
    File("--lora", Role::kLora),
    File("--lora-scaled", Role::kLora),
    File("--control-vector", Role::kControlVector),
    File("--control-vector-scaled", Role::kControlVector),
    File("-lcs --lookup-cache-static", Role::kLookupCache),
    File("-lcd --lookup-cache-dynamic", Role::kLookupCache),

    File("--spec-draft-model -md --model-draft", Role::kDraft, "LLAMA_ARG_SPEC_DRAFT_MODEL"),
    {"--spec-type", "", 1, kSets, "LLAMA_ARG_SPEC_TYPE", SetDrafters},
    {"--spec-default", "", 0, kSets, "", AddNgramMod},
    {"--spec-draft-n-max", "", 1, kSets, "LLAMA_ARG_SPEC_DRAFT_N_MAX", SetDraftCount<&S::draft>},
    {"--spec-ngram-mod-n-max", "", 1, kSets, "", SetDraftCount<&S::ngram_mod>},
    {"--spec-ngram-simple-size-m", "", 1, kSets, "", SetDraftCount<&S::ngram_simple>},
    {"--spec-ngram-map-k-size-m", "", 1, kSets, "", SetDraftCount<&S::ngram_map_k>},
    {"--spec-ngram-map-k4v-size-m", "", 1, kSets, "", SetDraftCount<&S::ngram_map_k4v>},
    {"--spec-draft-type-k -ctkd --cache-type-k-draft", "", 1, kSets,
     "LLAMA_ARG_SPEC_DRAFT_CACHE_TYPE_K", SetDraftType<&Speculative::cache_type_k>},
    {"--spec-draft-type-v -ctvd --cache-type-v-draft", "", 1, kSets,
     "LLAMA_ARG_SPEC_DRAFT_CACHE_TYPE_V", SetDraftType<&Speculative::cache_type_v>},
    {"--spec-draft-n-ubatch", "", 1, kSets, "LLAMA_ARG_SPEC_DRAFT_N_UBATCH", SetDraftUbatch},

    Refused("-hf -hfr --hf-repo", 1, kOtherModel, "LLAMA_ARG_HF_REPO"),
    Refused("-hff --hf-file", 1, kOtherModel, "LLAMA_ARG_HF_FILE"),
    Refused("-mu --model-url", 1, kOtherModel, "LLAMA_ARG_MODEL_URL"),
    Refused("-dr --docker-repo", 1, kOtherModel, "LLAMA_ARG_DOCKER_REPO"),
    Refused("--spec-draft-hf -hfd -hfrd --hf-repo-draft", 1,
            "names a draft model to download; give its file by --model-draft instead",
            "LLAMA_ARG_SPEC_DRAFT_HF_REPO"),
    Refused("-mv --model-vocoder", 1, "loads a vocoder that is not counted"),  // before 0.5.0
    Refused("-hfv -hfrv --hf-repo-v", 1, "loads a vocoder that is not counted"),
    Refused("-hffv --hf-file-v", 1, "loads a vocoder that is not counted"),
    Refused("--models-dir", 1, kRouter, "LLAMA_ARG_MODELS_DIR"),
    Refused("--models-preset", 1, kRouter, "LLAMA_ARG_MODELS_PRESET"),
    Refused("--draft --draft-n --draft-max", 1, kRemoved, "LLAMA_ARG_DRAFT_MAX"),
    Refused("--draft-min --draft-n-min", 1, kRemoved, "LLAMA_ARG_DRAFT_MIN"),
    Refused("--spec-ngram-size-n", 1, kRemoved),
    Refused("--spec-ngram-size-m", 1, kRemoved),
    Refused("--spec-ngram-min-hits", 1, kRemoved),
    Refused("--embd-gemma-default", 0, kPreset),
    Refused("--fim-qwen-1.5b-default", 0, kPreset),
    Refused("--fim-qwen-3b-default", 0, kPreset),
    Refused("--fim-qwen-7b-default", 0, kPreset),
    Refused("--fim-qwen-7b-spec", 0, kPreset),
    Refused("--fim-qwen-14b-spec", 0, kPreset),
    Refused("--fim-qwen-30b-default", 0, kPreset),
    Refused("--gpt-oss-20b-default", 0, kPreset),
    Refused("--gpt-oss-120b-default", 0, kPreset),
    Refused("--vision-gemma-4b-default", 0, kPreset),
    Refused("--vision-gemma-12b-default", 0, kPreset),
});

// Whether `name` is one of the blank-separated `names`.
bool IsAmong(std::string_view names, std::string_view name) {
  while (!names.empty()) {
    const std::string_view one = names.substr(0, names.find(' '));
    if (one == name) return true;
    names.remove_prefix(std::min(names.size(), one.size() + 1));
  }
  return false;
}

}  // namespace

std::span<const ServerOption> MemoryOptions() { return kOptions; }

std::optional<FoundOption> FindServerOption(std::string_view name) {
  std::string spelled(name);
  if (name.starts_with("--")) std::replace(spelled.begin(), spelled.end(), '_', '-');
  for (const ServerOption& option : kOptions) {
    const bool on = IsAmong(option.names, spelled);
    if (on || IsAmong(option.negated, spelled)) return FoundOption{&option, option.values, on};
  }
  for (uint8_t values : {0, 1, 2}) {
    for (std::string_view names : OtherOptions(values)) {
      if (IsAmong(names, spelled)) return FoundOption{nullptr, values, true};
    }
  }
  return std::nullopt;
}

}  // namespace headroom::estimator

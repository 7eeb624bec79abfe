// The llama-server flags that decide memory (common/arg.cpp of llama.cpp 0.6.0 and 0.7.0).
#include <algorithm>
#include <charconv>
#include <functional>
#include <iterator>

#include "estimator/serving.h"

namespace headroom::estimator {
namespace {

using Set = Result<void> (*)(ServingOptions&, std::string_view);

struct Flag {
  std::string_view long_name, short_name;
  bool takes_value;
  Set set;
};

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

// `at_least`: the smallest number allowed; llama-server takes -1 for some flags.
Result<uint32_t> Count(std::string_view text, int64_t at_least = 0) {
  const auto value = Number(text);
  if (!value) return value.error();
  if (*value < at_least || *value > INT32_MAX) {
    return Error(Code::kInvalid, "expected a number from " + std::to_string(at_least) +
                                     " to 2147483647, got '" + std::to_string(*value) + "'");
  }
  return static_cast<uint32_t>(*value);
}

template <auto Field>
Result<void> SetCount(ServingOptions& options, std::string_view text) {
  const auto value = Count(text);
  if (!value) return value.error();
  options.*Field = *value;
  return {};
}

template <auto Field, auto Parse>
Result<void> SetParsed(ServingOptions& options, std::string_view text) {
  auto value = Parse(text);
  if (!value) return value.error();
  options.*Field = std::move(*value);
  return {};
}

Result<void> SetParallel(ServingOptions& options, std::string_view text) {
  const auto value = Number(text);
  if (!value) return value.error();
  if (*value < 0) {  // -1: llama-server's own choice
    options.parallel = 0;
    return {};
  }
  return SetCount<&ServingOptions::parallel>(options, text);
}

Result<void> SetPromptCache(ServingOptions& options, std::string_view text) {
  const auto value = Number(text);
  if (!value) return value.error();
  if (*value < 0) {
    options.prompt_cache_mib = ServingOptions::kUnlimited;
    return {};
  }
  return SetCount<&ServingOptions::prompt_cache_mib>(options, text);
}

template <auto Field, bool Value>
Result<void> SetSwitch(ServingOptions& options, std::string_view) {
  options.*Field = Value;
  return {};
}

Result<void> SetNoMmap(ServingOptions& options, std::string_view) {
  options.load_mode = LoadMode::kNone;
  return {};
}

using O = ServingOptions;

constexpr Flag kFlags[] = {
    {"--ctx-size", "-c", true, SetCount<&O::context>},
    {"--parallel", "-np", true, SetParallel},
    {"--kv-unified", "-kvu", false, SetSwitch<&O::kv_unified, true>},
    {"--no-kv-unified", "-no-kvu", false, SetSwitch<&O::kv_unified, false>},
    {"--batch-size", "-b", true, SetCount<&O::batch>},
    {"--ubatch-size", "-ub", true, SetCount<&O::ubatch>},
    {"--flash-attn", "-fa", true, SetParsed<&O::flash_attention, ParseFlashAttention>},
    {"--cache-type-k", "-ctk", true, SetParsed<&O::cache_type_k, ParseCacheType>},
    {"--cache-type-v", "-ctv", true, SetParsed<&O::cache_type_v, ParseCacheType>},
    {"--swa-full", "", false, SetSwitch<&O::swa_full, true>},
    {"--cache-ram", "-cram", true, SetPromptCache},
    {"--ctx-checkpoints", "-ctxcp", true, SetCount<&O::context_checkpoints>},
    {"--swa-checkpoints", "", true, SetCount<&O::context_checkpoints>},
    {"--load-mode", "-lm", true, SetParsed<&O::load_mode, ParseLoadMode>},
    {"--no-mmap", "", false, SetNoMmap},
    {"--embedding", "", false, SetSwitch<&O::embeddings, true>},
    {"--embeddings", "", false, SetSwitch<&O::embeddings, true>},
    {"--reranking", "", false, SetSwitch<&O::embeddings, true>},
    {"--rerank", "", false, SetSwitch<&O::embeddings, true>},
};

// Flags that load a second file, whose size nobody here knows, or replace the model's own.
constexpr std::string_view kLoadsMore[] = {
    "-md",
    "--model-draft",
    "-hfd",
    "-hfrd",
    "--hf-repo-draft",
    "--lora",
    "--lora-scaled",
    "--control-vector",
    "--control-vector-scaled",
    "-mm",
    "--mmproj",
    "-mmu",
    "--mmproj-url",
    "-hf",
    "-hfr",
    "--hf-repo",
    "-hff",
    "--hf-file",
    "-mu",
    "--model-url",
    "-mv",
    "--model-vocoder",
    "-hfv",
    "-hfrv",
    "--hf-repo-v",
    "-hffv",
    "--hf-file-v",
};

bool LoadsMore(std::string_view arg) {
  const std::string_view name = arg.substr(0, arg.find('='));
  return std::find(std::begin(kLoadsMore), std::end(kLoadsMore), name) != std::end(kLoadsMore);
}

const Flag* FindFlag(std::string_view name) {
  for (const Flag& flag : kFlags) {
    if (name == flag.long_name || (!flag.short_name.empty() && name == flag.short_name)) {
      return &flag;
    }
  }
  return nullptr;
}

}  // namespace

Result<void> ApplyArgs(ServingOptions& options, const std::vector<std::string>& args) {
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string_view arg = args[i];
    const size_t equals = arg.starts_with("--") ? arg.find('=') : std::string_view::npos;
    const std::string_view name = arg.substr(0, equals);
    if (LoadsMore(arg)) {
      return Error(Code::kInvalid, "extraArgs: " + std::string(arg.substr(0, arg.find('='))) +
                                       ": loads memory that is not counted");
    }
    const Flag* flag = FindFlag(name);
    if (flag == nullptr) continue;
    std::string_view value;
    if (equals != std::string_view::npos) {
      value = arg.substr(equals + 1);
    } else if (flag->takes_value) {
      // Older llama-server versions know "-fa" alone; it then means "on".
      const bool has_next = i + 1 < args.size() && !args[i + 1].starts_with("--");
      if (flag->long_name == "--flash-attn" && (!has_next || !ParseFlashAttention(args[i + 1]))) {
        options.flash_attention = FlashAttention::kOn;
        continue;
      }
      if (!has_next) {
        return Error(Code::kInvalid, "extraArgs: " + std::string(name) + ": a value is missing");
      }
      value = args[++i];
    }
    if (auto set = flag->set(options, value); !set) {
      return set.error().Within("extraArgs: " + std::string(name));
    }
  }
  return {};
}

}  // namespace headroom::estimator

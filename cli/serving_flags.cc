#include "cli/serving_flags.h"

#include <charconv>

namespace headroom::cli {
namespace {

using estimator::ServingOptions;

Result<uint32_t> ParseCount(std::string_view text) {
  uint32_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size()) {
    return Error(Code::kInvalid, "expected a whole number, got '" + std::string(text) + "'");
  }
  return value;
}

void AddCount(Flags& flags, std::string_view name, uint32_t& target, std::string_view value_name,
              std::string_view help) {
  flags.Add(name, value_name, help, std::to_string(target),
            [&target](std::string_view text) -> Result<void> {
              const auto value = ParseCount(text);
              if (!value) return value.error();
              target = *value;
              return {};
            });
}

// A flag whose text one of the estimator's own parsers reads.
template <class T, class Parse>
void AddParsed(Flags& flags, std::string_view name, T& target, std::string_view value_name,
               std::string_view help, std::string_view default_text, Parse parse) {
  flags.Add(name, value_name, help, default_text,
            [&target, parse](std::string_view text) -> Result<void> {
              auto value = parse(text);
              if (!value) return value.error();
              target = std::move(value).value();
              return {};
            });
}

Result<std::optional<bool>> ParseSwitch(std::string_view text) {
  if (text == "true") return std::optional<bool>(true);
  if (text == "false") return std::optional<bool>(false);
  return Error(Code::kInvalid, "expected true or false, got '" + std::string(text) + "'");
}

}  // namespace

void AddServingFlags(Flags& flags, ServingOptions& options) {
  AddCount(flags, "context", options.context, "TOKENS",
           "context over all slots; 0 = what the model was trained for");
  AddCount(flags, "parallel", options.parallel, "N", "slots; 0 = llama-server's own choice (4)");
  AddParsed(
      flags, "kv-unified", options.kv_unified, "true|false",
      "one cache for all slots; llama-server's default is true only if --parallel is not given", "",
      ParseSwitch);
  AddCount(flags, "batch", options.batch, "N", "logical batch size");
  AddCount(flags, "ubatch", options.ubatch, "N", "physical batch size");
  AddParsed(flags, "flash-attention", options.flash_attention, "auto|on|off", "flash attention",
            "auto", estimator::ParseFlashAttention);
  AddParsed(flags, "cache-type-k", options.cache_type_k, "TYPE", "type of the K cache",
            options.cache_type_k, estimator::ParseCacheType);
  AddParsed(flags, "cache-type-v", options.cache_type_v, "TYPE", "type of the V cache",
            options.cache_type_v, estimator::ParseCacheType);
  flags.Add("swa-full", options.swa_full, "keep the whole context for sliding-window layers");
  AddParsed(flags, "outputs", options.outputs, "server|batch|N",
            "rows of logits reserved: as llama-server, as llama-cli, or a number", "server",
            estimator::ParseOutputs);
  AddCount(flags, "cache-ram", options.prompt_cache_mib, "MIB", "limit of the prompt cache");
  AddCount(flags, "ctx-checkpoints", options.context_checkpoints, "N",
           "context checkpoints a slot may keep");
  AddParsed(flags, "load-mode", options.load_mode, "mmap|none", "how weights are loaded", "mmap",
            estimator::ParseLoadMode);
  AddParsed(flags, "device", options.device, "metal|cpu", "where the model runs", "metal",
            estimator::ParseDevice);
  flags.Add("runtime-version", options.runtime_version, "VERSION",
            "llama.cpp version to estimate for; empty = the newest known");
}

}  // namespace headroom::cli

#include "estimator/serving.h"

#include <charconv>

#include "common/ascii.h"
#include "estimator/gguf/ggml_type.h"

namespace headroom::estimator {
namespace {

Error Expected(std::string_view expected, std::string_view got) {
  return Error(Code::kInvalid,
               "expected " + std::string(expected) + ", got '" + std::string(got) + "'");
}

std::string_view Name(FlashAttention value) {
  if (value == FlashAttention::kAuto) return "auto";
  return value == FlashAttention::kOn ? "on" : "off";
}

}  // namespace

Result<FlashAttention> ParseFlashAttention(std::string_view text) {
  const std::string value = AsciiLower(text);
  if (value == "auto" || value == "-1") return FlashAttention::kAuto;
  if (value == "on" || value == "1" || value == "true" || value == "enabled") {
    return FlashAttention::kOn;
  }
  if (value == "off" || value == "0" || value == "false" || value == "disabled") {
    return FlashAttention::kOff;
  }
  return Expected("auto, on or off", text);
}

Result<LoadMode> ParseLoadMode(std::string_view text) {
  const std::string value = AsciiLower(text);
  if (value == "auto" || value == "mmap" || value == "mmap+mlock") return LoadMode::kMmap;
  // mlock without mmap and direct I/O read into buffers, as "none" does.
  if (value == "none" || value == "mlock" || value == "dio") return LoadMode::kNone;
  return Expected("auto, none, mmap, mlock, mmap+mlock or dio", text);
}

Result<Device> ParseDevice(std::string_view text) {
  if (text == "metal") return Device::kMetal;
  if (text == "cpu") return Device::kCpu;
  return Expected("metal or cpu", text);
}

Result<Outputs> ParseOutputs(std::string_view text) {
  if (text == "server") return Outputs{};
  if (text == "batch") return Outputs{Outputs::Mode::kBatch, 0};
  uint32_t count = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, count);
  if (parsed.ec != std::errc() || parsed.ptr != end || count == 0) {
    return Expected("server, batch or a number of rows", text);
  }
  return Outputs{Outputs::Mode::kCount, count};
}

Result<std::string> ParseCacheType(std::string_view text) {
  const std::string value = AsciiLower(text);
  const GgmlType* type = FindGgmlType(value);
  if (type == nullptr || !IsCacheType(*type)) {
    return Expected("f32, f16, bf16, q8_0, q4_0, q4_1, iq4_nl, q5_0 or q5_1", text);
  }
  return value;
}

std::vector<std::string> ToArgs(const ServingOptions& options) {
  std::vector<std::string> args;
  const auto add = [&args](std::string_view flag, std::string_view value) {
    args.emplace_back(flag);
    args.emplace_back(value);
  };
  if (options.context != 0) add("--ctx-size", std::to_string(options.context));
  add("--parallel", std::to_string(options.Slots()));
  args.emplace_back(options.Unified() ? "--kv-unified" : "--no-kv-unified");
  add("--batch-size", std::to_string(options.batch));
  add("--ubatch-size", std::to_string(options.ubatch));
  add("--flash-attn", Name(options.flash_attention));
  add("--cache-type-k", options.cache_type_k);
  add("--cache-type-v", options.cache_type_v);
  if (options.swa_full) args.emplace_back("--swa-full");
  const bool unlimited = options.prompt_cache_mib == ServingOptions::kUnlimited;
  add("--cache-ram", unlimited ? "-1" : std::to_string(options.prompt_cache_mib));
  add("--ctx-checkpoints", std::to_string(options.context_checkpoints));
  return args;
}

std::string Describe(const ServingOptions& o) {
  return (o.context == 0 ? "ctx of the model" : "ctx " + std::to_string(o.context)) + ", " +
         std::to_string(o.Slots()) + (o.Slots() == 1 ? " slot" : " slots") +
         (o.Unified() && o.Slots() > 1 ? " unified" : "") + ", " + o.cache_type_k + "/" +
         o.cache_type_v + ", FA " + std::string(Name(o.flash_attention)) + ", ubatch " +
         std::to_string(o.ubatch);
}

}  // namespace headroom::estimator

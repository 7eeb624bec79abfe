#include <charconv>
#include <cstdio>

#include "estimator/gguf/reader.h"

namespace headroom::estimator {
namespace {

constexpr std::string_view kSuffix = ".gguf";
constexpr size_t kDigits = 5;  // llama_split_path(): "%s-%05d-of-%05d.gguf"

std::optional<uint32_t> FiveDigits(std::string_view text) {
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::optional<SplitName> ParseSplitName(std::string_view name) {
  // "-00001-of-00003.gguf"
  constexpr size_t kTail = 1 + kDigits + 4 + kDigits + kSuffix.size();
  if (name.size() <= kTail || !name.ends_with(kSuffix)) return std::nullopt;
  const std::string_view tail = name.substr(name.size() - kTail);
  if (tail[0] != '-' || tail.substr(1 + kDigits, 4) != "-of-") return std::nullopt;
  const auto index = FiveDigits(tail.substr(1, kDigits));
  const auto count = FiveDigits(tail.substr(1 + kDigits + 4, kDigits));
  if (!index || !count || *index == 0 || *index > *count) return std::nullopt;
  return SplitName{std::string(name.substr(0, name.size() - kTail)), *index, *count};
}

std::string SplitName::Part(uint32_t i) const {
  char tail[40];
  std::snprintf(tail, sizeof tail, "-%05u-of-%05u.gguf", i, count);
  return prefix + tail;
}

}  // namespace headroom::estimator

#include "common/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace headroom {
namespace {

template <size_t N>
bool IsOneOf(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

constexpr std::array<std::string_view, 5> kNull = {"", "~", "null", "Null", "NULL"};
constexpr std::array<std::string_view, 3> kTrue = {"true", "True", "TRUE"};
constexpr std::array<std::string_view, 3> kFalse = {"false", "False", "FALSE"};
constexpr std::array<std::string_view, 3> kInf = {".inf", ".Inf", ".INF"};
constexpr std::array<std::string_view, 3> kNan = {".nan", ".NaN", ".NAN"};

std::string_view WithoutSign(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return text;
}

template <class T>
std::optional<Json> WholeInteger(std::string_view text, int base) {
  T value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value, base);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return Json(value);
}

std::optional<Json> Integer(std::string_view text) {
  if (text.starts_with("0x")) return WholeInteger<uint64_t>(text.substr(2), 16);
  if (text.starts_with("0o")) return WholeInteger<uint64_t>(text.substr(2), 8);
  if (text.starts_with("+") && WithoutSign(text).starts_with("-")) return std::nullopt;
  if (text.starts_with("+")) text.remove_prefix(1);
  if (auto value = WholeInteger<int64_t>(text, 10)) return value;
  return WholeInteger<uint64_t>(text, 10);
}

size_t SkipDigits(std::string_view& text) {
  const size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
  text.remove_prefix(count);
  return count;
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool IsFloat(std::string_view text) {
  text = WithoutSign(text);
  const size_t whole = SkipDigits(text);
  size_t fraction = 0;
  if (text.starts_with(".")) {
    text.remove_prefix(1);
    fraction = SkipDigits(text);
  }
  if (whole + fraction == 0) return false;
  if (text.starts_with("e") || text.starts_with("E")) {
    text = WithoutSign(text.substr(1));
    if (SkipDigits(text) == 0) return false;
  }
  return text.empty();
}

}  // namespace

std::optional<Json> ResolvePlainScalar(std::string_view text) {
  if (IsOneOf(text, kNull)) return Json();
  if (IsOneOf(text, kTrue)) return Json(true);
  if (IsOneOf(text, kFalse)) return Json(false);
  if (auto integer = Integer(text)) return integer;
  if (IsOneOf(WithoutSign(text), kInf) || IsOneOf(text, kNan)) return std::nullopt;
  if (!IsFloat(text)) return Json(text);
  const double value = std::strtod(std::string(text).c_str(), nullptr);
  if (!std::isfinite(value)) return std::nullopt;
  return Json(value);
}

}  // namespace headroom

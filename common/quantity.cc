#include "common/quantity.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <limits>
#include <optional>

#include "common/checked.h"

namespace headroom {
namespace {

constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
constexpr size_t kMaxText = 128;  // no sane quantity is longer; bounds the work below

struct Suffix {
  std::string_view text;
  int power10, power2;
};
constexpr std::array<Suffix, 16> kSuffixes = {{{"", 0, 0},
                                               {"n", -9, 0},
                                               {"u", -6, 0},
                                               {"m", -3, 0},
                                               {"k", 3, 0},
                                               {"M", 6, 0},
                                               {"G", 9, 0},
                                               {"T", 12, 0},
                                               {"P", 15, 0},
                                               {"E", 18, 0},
                                               {"Ki", 0, 10},
                                               {"Mi", 0, 20},
                                               {"Gi", 0, 30},
                                               {"Ti", 0, 40},
                                               {"Pi", 0, 50},
                                               {"Ei", 0, 60}}};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// digits * 10^power10 * 2^power2
struct Decimal {
  bool negative = false;
  std::string digits;
  int power10 = 0, power2 = 0;
};

bool ApplySuffix(std::string_view suffix, Decimal& number) {
  for (const Suffix& known : kSuffixes) {
    if (suffix != known.text) continue;
    number.power10 += known.power10;
    number.power2 = known.power2;
    return true;
  }
  if (suffix.size() < 2 || (suffix[0] != 'e' && suffix[0] != 'E')) return false;
  suffix.remove_prefix(1);
  if (suffix[0] == '+' && suffix.size() > 1 && IsDigit(suffix[1])) suffix.remove_prefix(1);
  int exponent = 0;
  const char* end = suffix.data() + suffix.size();
  const auto parsed = std::from_chars(suffix.data(), end, exponent);
  if (parsed.ec != std::errc() || parsed.ptr != end) return false;
  if (exponent > 1'000'000 || exponent < -1'000'000) return false;
  number.power10 += exponent;
  return true;
}

std::optional<Decimal> ParseDecimal(std::string_view text) {
  Decimal number;
  if (text.size() > kMaxText) return std::nullopt;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    number.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  bool any = false, point = false;
  size_t at = 0;
  for (; at < text.size() && (IsDigit(text[at]) || (text[at] == '.' && !point)); ++at) {
    if (text[at] == '.') {
      point = true;
      continue;
    }
    any = true;
    number.power10 -= point;
    if (!number.digits.empty() || text[at] != '0') number.digits += text[at];
  }
  if (!any || !ApplySuffix(text.substr(at), number)) return std::nullopt;
  return number;
}

// Doubles the decimal fraction 0.digits and returns the carry.
unsigned DoubleFraction(std::string& digits) {
  unsigned carry = 0;
  for (size_t i = digits.size(); i-- > 0;) {
    const unsigned twice = 2 * static_cast<unsigned>(digits[i] - '0') + carry;
    carry = twice / 10;
    digits[i] = static_cast<char>('0' + twice % 10);
  }
  return carry;
}

// Exact, rounded up; nullopt beyond 2^63-1. Long arithmetic on the digits, as a double or a 64-bit
// integer would lose some of "0.1Ei" or "1.0000000000000001Gi".
std::optional<uint64_t> ToBytes(const Decimal& number) {
  if (number.digits.empty()) return 0;
  const int whole_digits = static_cast<int>(number.digits.size()) + number.power10;
  if (whole_digits > 19) return std::nullopt;  // at least 10^19
  if (whole_digits < -40) return 1;            // below 2^60 / 10^40
  std::string whole = number.digits, fraction;
  if (whole_digits <= 0) {
    fraction = std::string(static_cast<size_t>(-whole_digits), '0') + number.digits;
    whole = "0";
  } else {
    whole.resize(static_cast<size_t>(whole_digits), '0');
    if (number.power10 < 0) fraction = number.digits.substr(whole.size());
  }
  uint64_t bytes = 0;  // 19 digits fit
  std::from_chars(whole.data(), whole.data() + whole.size(), bytes);
  for (int i = 0; i < number.power2; ++i) {
    if (bytes > kMax / 2) return std::nullopt;
    bytes = 2 * bytes + DoubleFraction(fraction);
  }
  bytes += fraction.find_first_not_of('0') != std::string::npos;
  if (bytes > kMax) return std::nullopt;
  return bytes;
}

Error Bad(std::string_view text, std::string_view why) {
  return Error(Code::kInvalid,
               "quantity '" + std::string(text.substr(0, kMaxText)) + "': " + std::string(why));
}

}  // namespace

Result<uint64_t> ParseQuantity(std::string_view text) {
  const auto number = ParseDecimal(text);
  if (!number) {
    return Bad(text,
               "expected a number with an optional suffix (Ki Mi Gi Ti Pi Ei, or k M G T P E), "
               "such as 8Gi");
  }
  if (number->negative && !number->digits.empty()) return Bad(text, "must not be negative");
  const auto bytes = ToBytes(*number);
  if (!bytes) return Bad(text, "larger than 9223372036854775807 bytes");
  return *bytes;
}

std::string FormatQuantity(uint64_t bytes) {
  std::string best = std::to_string(bytes);
  uint64_t decimal = 1;
  for (const Suffix& suffix : kSuffixes) {
    if (suffix.power10 > 0) decimal *= 1000;
    if (suffix.text.empty() || suffix.power10 < 0) continue;
    const uint64_t unit = suffix.power2 ? uint64_t{1} << suffix.power2 : decimal;
    if (bytes == 0 || bytes % unit != 0) continue;
    const std::string text = std::to_string(bytes / unit) + std::string(suffix.text);
    if (text.size() <= best.size()) best = text;
  }
  return best;
}

// Tenths of 2^shift, rounded to nearest without overflow.
static uint64_t Tenths(uint64_t bytes, int shift) {
  const uint64_t unit = uint64_t{1} << shift;
  return (bytes >> shift) * 10 + ((bytes & (unit - 1)) * 10 + unit / 2) / unit;
}

static std::string TenthsText(uint64_t tenths) {
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

std::string FormatGiB(uint64_t bytes) { return TenthsText(Tenths(bytes, 30)); }

std::string FormatBytes(uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  // A value that would round to 1024.0 takes the next unit.
  if (Tenths(bytes, 10) < 10240) return TenthsText(Tenths(bytes, 10)) + " KiB";
  if (Tenths(bytes, 20) < 10240) return TenthsText(Tenths(bytes, 20)) + " MiB";
  return FormatGiB(bytes) + " GiB";
}

}  // namespace headroom

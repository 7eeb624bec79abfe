#include "estimator/decision/text.h"

#include <algorithm>
#include <cstdio>

namespace headroom::estimator {
namespace {

constexpr uint64_t kMiB = 1u << 20, kGiB = 1u << 30;

std::string OneDecimal(uint64_t bytes, uint64_t unit) {
  char text[40];
  std::snprintf(text, sizeof text, "%.1f", static_cast<double>(bytes) / static_cast<double>(unit));
  return text;
}

}  // namespace

std::string Ascii(std::string_view text, size_t max) {
  std::string out;
  for (char c : text) out += c >= 0x20 && c < 0x7f ? c : '?';
  if (out.size() > max) out.replace(max - 3, std::string::npos, "...");
  return out;
}

Unit::Unit(const std::vector<uint64_t>& amounts) {
  for (size_t i = 0; i < amounts.size() && gib_; ++i) {
    const std::string here = OneDecimal(amounts[i], kGiB);
    if (amounts[i] > 0 && here == "0.0") gib_ = false;
    for (size_t j = 0; j < i; ++j) {
      if (amounts[j] != amounts[i] && OneDecimal(amounts[j], kGiB) == here) gib_ = false;
    }
  }
}

std::string Unit::Number(uint64_t bytes) const { return OneDecimal(bytes, gib_ ? kGiB : kMiB); }

std::string Unit::Amount(uint64_t bytes) const { return Number(bytes) + (gib_ ? " GiB" : " MiB"); }

std::string Columns(const std::string& left, const std::string& right, size_t width) {
  const size_t used = left.size() + right.size();
  return left + std::string(used + 1 < width ? width - used : 1, ' ') + right;
}

}  // namespace headroom::estimator

#include <algorithm>
#include <charconv>
#include <limits>

#include "common/flags.h"

namespace headroom {
namespace {

struct Unit {
  std::string_view text;
  int64_t milliseconds;
};
constexpr Unit kUnits[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};

// Takes "10s" from the front of `rest`; -1 when there is none or the sum would overflow.
int64_t TakePart(std::string_view& rest) {
  int64_t count = 0;
  const auto number = std::from_chars(rest.data(), rest.data() + rest.size(), count);
  if (number.ec != std::errc() || count < 0) return -1;
  rest.remove_prefix(static_cast<size_t>(number.ptr - rest.data()));
  const size_t letters = std::min(rest.find_first_of("0123456789"), rest.size());
  for (const Unit& unit : kUnits) {
    if (rest.substr(0, letters) != unit.text) continue;
    rest.remove_prefix(letters);
    int64_t part = 0;
    return __builtin_mul_overflow(count, unit.milliseconds, &part) ? -1 : part;
  }
  return -1;
}

}  // namespace

Result<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  if (text == "0") return std::chrono::milliseconds(0);
  int64_t total = 0;
  std::string_view rest = text;
  do {
    const int64_t part = TakePart(rest);
    if (part < 0 || __builtin_add_overflow(total, part, &total)) {
      return Error(Code::kInvalid, "expected a duration such as 250ms, 10s, 2m or 1h, got '" +
                                       std::string(text) + "'");
    }
  } while (!rest.empty());
  return std::chrono::milliseconds(total);
}

}  // namespace headroom

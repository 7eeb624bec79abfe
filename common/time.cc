#include "common/time.h"

#include <cstdio>
#include <optional>

namespace headroom {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::microseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::year_month_day;

// A 64-bit count of nanoseconds since 1970 ends in 1677 and 2262.
constexpr int kFirstYear = 1678, kLastYear = 2261;

std::string DateAndTime(WallTime time) {
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const auto second = floor<seconds>(time - day).count();
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(second / 3600), static_cast<int>(second / 60 % 60),
                static_cast<int>(second % 60));
  return text;
}

// Reads from the front of `rest`; any mismatch makes every later step fail too.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  int Digits(size_t count) {
    int value = 0;
    for (size_t i = 0; i < count; ++i) {
      if (!NextIsDigit()) {
        failed_ = true;
        return 0;
      }
      value = value * 10 + (Take() - '0');
    }
    return value;
  }
  char OneOf(std::string_view allowed) {
    if (rest_.empty() || allowed.find(rest_.front()) == std::string_view::npos) {
      failed_ = true;
      return 0;
    }
    return Take();
  }
  bool Skip(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    Take();
    return true;
  }
  bool NextIsDigit() const { return !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; }
  char Take() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  bool Done() const { return !failed_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

nanoseconds Fraction(Scanner& in) {
  int64_t value = in.Digits(1);
  int digits = 1;
  for (; in.NextIsDigit(); ++digits) {
    const int digit = in.Take() - '0';
    if (digits < 9) value = value * 10 + digit;
  }
  for (; digits < 9; ++digits) value *= 10;
  return nanoseconds(value);
}

std::optional<WallTime> Parse(std::string_view text) {
  Scanner in(text);
  const int year = in.Digits(4);
  in.OneOf("-");
  const int month = in.Digits(2);
  in.OneOf("-");
  const int day = in.Digits(2);
  in.OneOf("Tt ");
  const int hour = in.Digits(2);
  in.OneOf(":");
  const int minute = in.Digits(2);
  in.OneOf(":");
  const int second = in.Digits(2);
  const nanoseconds fraction = in.Skip('.') ? Fraction(in) : nanoseconds(0);
  const char zone = in.OneOf("Zz+-");
  int offset = 0;
  if (zone == '+' || zone == '-') {
    const int hours = in.Digits(2);
    in.OneOf(":");
    const int minutes = in.Digits(2);
    if (hours > 23 || minutes > 59) return std::nullopt;
    offset = (zone == '+' ? 60 : -60) * (hours * 60 + minutes);
  }
  const year_month_day date(std::chrono::year{year},
                            std::chrono::month{static_cast<unsigned>(month)},
                            std::chrono::day{static_cast<unsigned>(day)});
  // 60 is a leap second, which our clock counts as the first of the next minute.
  const bool in_range = year >= kFirstYear && year <= kLastYear && date.ok() && hour < 24 &&
                        minute < 60 && second <= 60;
  if (!in.Done() || !in_range) return std::nullopt;
  const auto whole = sys_days(date) + seconds(hour * 3600 + minute * 60 + second - offset);
  return std::chrono::time_point_cast<WallTime::duration>(whole) +
         std::chrono::duration_cast<WallTime::duration>(fraction);
}

}  // namespace

std::string FormatRfc3339(WallTime time) { return DateAndTime(time) + "Z"; }

std::string FormatRfc3339Micro(WallTime time) {
  const auto rest = floor<microseconds>(time - floor<seconds>(time));
  char text[16];
  std::snprintf(text, sizeof text, ".%06dZ", static_cast<int>(rest.count()));
  return DateAndTime(time) + text;
}

Result<WallTime> ParseRfc3339(std::string_view text) {
  if (const auto time = Parse(text)) return *time;
  return Error(Code::kInvalid,
               "time '" + std::string(text) + "': expected RFC 3339 such as 2026-01-02T03:04:05Z");
}

}  // namespace headroom

#include "common/time.h"

#include <gtest/gtest.h>

namespace headroom {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

WallTime At(int64_t unix_seconds) { return WallTime(seconds(unix_seconds)); }

TEST(Time, FormatsUtc) {
  EXPECT_EQ(FormatRfc3339(At(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(FormatRfc3339(At(1767323045)), "2026-01-02T03:04:05Z");
  EXPECT_EQ(FormatRfc3339(At(951782399)), "2000-02-28T23:59:59Z");
  EXPECT_EQ(FormatRfc3339(At(-1)), "1969-12-31T23:59:59Z");
  EXPECT_EQ(FormatRfc3339Micro(At(1767323045)), "2026-01-02T03:04:05.000000Z");
  EXPECT_EQ(FormatRfc3339Micro(At(-1) + microseconds(999'999)), "1969-12-31T23:59:59.999999Z");
}

TEST(Time, ParsesOffsetsAndFractions) {
  const WallTime base = At(1767323045);
  EXPECT_EQ(*ParseRfc3339("2026-01-02T03:04:05Z"), base);
  EXPECT_EQ(*ParseRfc3339("2026-01-02t03:04:05z"), base);
  EXPECT_EQ(*ParseRfc3339("2026-01-02T04:34:05+01:30"), base);
  EXPECT_EQ(*ParseRfc3339("2026-01-01T22:04:05-05:00"), base);
  EXPECT_EQ(*ParseRfc3339("2026-01-02T03:04:05.25Z"), base + microseconds(250'000));
  EXPECT_EQ(*ParseRfc3339("2026-01-02T03:04:05.000001999999Z"),
            base + std::chrono::duration_cast<WallTime::duration>(std::chrono::nanoseconds(1999)));
  EXPECT_EQ(*ParseRfc3339("2016-12-31T23:59:60Z"), *ParseRfc3339("2017-01-01T00:00:00Z"));
}

TEST(Time, RoundTrips) {
  for (const int64_t at :
       std::initializer_list<int64_t>{-8000000000, -1, 0, 1, 1767323045, 9000000000}) {
    const WallTime time = At(at) + microseconds(123'456);
    EXPECT_EQ(*ParseRfc3339(FormatRfc3339Micro(time)), time);
    EXPECT_EQ(*ParseRfc3339(FormatRfc3339(time)), At(at));
  }
}

TEST(Time, RefusesAnythingElse) {
  const char* const kRows[] = {"",
                               "now",
                               "2026-01-02",
                               "2026-01-02T03:04:05",
                               "2026-1-2T03:04:05Z",
                               "2026-02-29T00:00:00Z",
                               "2026-13-01T00:00:00Z",
                               "2026-01-02T24:00:00Z",
                               "2026-01-02T03:60:00Z",
                               "2026-01-02T03:04:61Z",
                               "2026-01-02T03:04:05.Z",
                               "2026-01-02T03:04:05+24:00",
                               "2026-01-02T03:04:05+0100",
                               "2026-01-02T03:04:05Z ",
                               "0001-01-01T00:00:00Z",
                               "9999-01-01T00:00:00Z",
                               "-026-01-02T03:04:05Z"};
  for (const char* row : kRows) EXPECT_FALSE(ParseRfc3339(row)) << row;
  EXPECT_EQ(ParseRfc3339("now").error().message(),
            "time 'now': expected RFC 3339 such as 2026-01-02T03:04:05Z");
}

}  // namespace
}  // namespace headroom

#include "common/quantity.h"

#include <gtest/gtest.h>

namespace headroom {
namespace {

constexpr uint64_t kGi = uint64_t{1} << 30;

TEST(Quantity, ParsesWhatKubernetesParses) {
  const struct {
    const char* text;
    uint64_t bytes;
  } kRows[] = {
      {"0", 0},
      {"-0", 0},
      {"0.000", 0},
      {"8Gi", 8 * kGi},
      {"+8Gi", 8 * kGi},
      {"1500M", 1'500'000'000},
      {"0.5Ti", 512 * kGi},
      {".5Ki", 512},
      {"5.", 5},
      {"1.5", 2},
      {"100m", 1},
      {"1001m", 2},
      {"2000m", 2},
      {"1n", 1},
      {"1000000001n", 2},
      {"3u", 1},
      {"1e3", 1000},
      {"1E3", 1000},
      {"1e+3", 1000},
      {"15e-1", 2},
      {"1e-1000", 1},
      {"1E", 1'000'000'000'000'000'000},
      {"9E", 9'000'000'000'000'000'000},
      {"7Ei", uint64_t{7} << 60},
      {"7.9999Ei", 9223256744704315124},
      {"0.1Gi", 107374183},  // 107374182.4
      {"1.0000000000000000001Gi", kGi + 1},
      {"9223372036854775807", 9223372036854775807},
      {"000000000000000000000000000012k", 12000},
      {"0.00000000000000000000000000000000000000000000001Ei", 1},
  };
  for (const auto& row : kRows) {
    const auto parsed = ParseQuantity(row.text);
    ASSERT_TRUE(parsed) << row.text << ": " << parsed.error().message();
    EXPECT_EQ(*parsed, row.bytes) << row.text;
  }
}

TEST(Quantity, RefusesTheRestAndSaysWhy) {
  const struct {
    const char* text;
    const char* why;
  } kRows[] = {
      {"", "expected a number"},
      {" ", "expected a number"},
      {"banana", "expected a number"},
      {"-1", "must not be negative"},
      {"-1m", "must not be negative"},
      {"8 Gi", "expected a number"},
      {" 8Gi", "expected a number"},
      {"8Gi ", "expected a number"},
      {"8GiB", "expected a number"},
      {"8GB", "expected a number"},
      {"8K", "expected a number"},
      {"8gi", "expected a number"},
      {"Gi", "expected a number"},
      {".", "expected a number"},
      {"--1", "expected a number"},
      {"1.2.3", "expected a number"},
      {"1e", "expected a number"},
      {"1e3Gi", "expected a number"},
      {"1e+-3", "expected a number"},
      {"1e99999999999", "expected a number"},
      {"0x10", "expected a number"},
      {"nan", "expected a number"},
      {"8Ei", "larger than"},
      {"16Ei", "larger than"},
      {"10E", "larger than"},
      {"1e19", "larger than"},
      {"1e999999", "larger than"},
      {"9223372036854775808", "larger than"},
      {"9223372036854775807.1", "larger than"},
      {"99999999999999999999999", "larger than"},
  };
  for (const auto& row : kRows) {
    const auto parsed = ParseQuantity(row.text);
    ASSERT_FALSE(parsed) << row.text << " = " << *parsed;
    EXPECT_NE(parsed.error().message().find(row.why), std::string::npos)
        << parsed.error().message();
    EXPECT_EQ(parsed.error().code(), Code::kInvalid);
  }
  EXPECT_EQ(ParseQuantity("banana").error().message(),
            "quantity 'banana': expected a number with an optional suffix (Ki Mi Gi Ti Pi Ei, or "
            "k M G T P E), such as 8Gi");
  EXPECT_FALSE(ParseQuantity(std::string(1000, '1')));
}

TEST(Quantity, FormatsTheShortestExactText) {
  const struct {
    uint64_t bytes;
    const char* text;
  } kRows[] = {
      {0, "0"},
      {1, "1"},
      {12345, "12345"},
      {1000, "1k"},
      {1024, "1Ki"},
      {1536, "1536"},
      {8 * kGi, "8Gi"},
      {1'500'000'000, "1500M"},
      {kGi + kGi / 2, "1536Mi"},
      {uint64_t{1} << 60, "1Ei"},
      {1'000'000'000'000'000'000, "1E"},
      {UINT64_MAX, "18446744073709551615"},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(FormatQuantity(row.bytes), row.text);
    if (row.bytes > INT64_MAX) continue;
    EXPECT_EQ(*ParseQuantity(row.text), row.bytes);
  }
}

TEST(Quantity, FormatsForPeople) {
  EXPECT_EQ(FormatGiB(0), "0.0");
  EXPECT_EQ(FormatGiB(kGi + kGi / 20), "1.0");  // just below 1.05
  EXPECT_EQ(FormatGiB(kGi + kGi / 20 + 1), "1.1");
  EXPECT_EQ(FormatGiB(55'941'529'600), "52.1");
  EXPECT_EQ(FormatGiB(UINT64_MAX), "17179869184.0");
  EXPECT_EQ(FormatBytes(17), "17 B");
  EXPECT_EQ(FormatBytes(1023), "1023 B");
  EXPECT_EQ(FormatBytes(1024), "1.0 KiB");
  EXPECT_EQ(FormatBytes(12'595), "12.3 KiB");
  EXPECT_EQ(FormatBytes(812 << 20), "812.0 MiB");
  EXPECT_EQ(FormatBytes(kGi - 1), "1.0 GiB");  // never "1024.0 MiB"
  EXPECT_EQ(FormatBytes(55'941'529'600), "52.1 GiB");
}

}  // namespace
}  // namespace headroom

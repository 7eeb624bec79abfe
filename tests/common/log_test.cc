#include "common/log.h"

#include <gtest/gtest.h>

namespace headroom {
namespace {

constexpr auto kTime = "2026-01-02T03:04:05Z";

TEST(Log, FormatsOneLineOfLogfmt) {
  EXPECT_EQ(FormatLogLine(kTime, LogLevel::kInfo, "model ready",
                          {{"model", "default/llama"},
                           {"seconds", 1.2},
                           {"port", 8080},
                           {"size", size_t{18446744073709551615u}},
                           {"cached", true},
                           {"error", Error(Code::kIo, "a: b")}}),
            "time=2026-01-02T03:04:05Z level=info msg=\"model ready\" model=default/llama "
            "seconds=1.2 port=8080 size=18446744073709551615 cached=true error=\"a: b\"");
}

TEST(Log, QuotesWhatWouldBreakALine) {
  const struct {
    std::string value;
    const char* written;
  } kRows[] = {
      {"plain/value-1.2:3", "plain/value-1.2:3"},
      {"", "\"\""},
      {"two words", "\"two words\""},
      {"a=b", "\"a=b\""},
      {"say \"hi\"", "\"say \\\"hi\\\"\""},
      {"C:\\x", "\"C:\\\\x\""},
      {"line\nbreak\r\t", "\"line\\nbreak\\r\\t\""},
      {std::string("nul\0", 4), "\"nul\\u0000\""},
      {"\x1b[31m\x7f", "\"\\u001b[31m\\u007f\""},
      {"\xC3\xA9", "\xC3\xA9"},
      {"\xFF", "\"\xEF\xBF\xBD\""},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(FormatLogLine("t", LogLevel::kWarn, "m", {{"k", row.value}}),
              std::string("time=t level=warn msg=m k=") + row.written);
  }
}

TEST(Log, ParsesLevels) {
  EXPECT_EQ(*ParseLogLevel("debug"), LogLevel::kDebug);
  EXPECT_EQ(*ParseLogLevel("error"), LogLevel::kError);
  EXPECT_EQ(ParseLogLevel("loud").error().message(),
            "expected debug, info, warn or error, got 'loud'");
}

TEST(Log, DropsLinesBelowTheLevel) {
  testing::internal::CaptureStderr();
  LogDebug("hidden");
  SetLogLevel(LogLevel::kError);
  LogWarn("hidden too");
  LogError("shown", {{"code", 7}});
  SetLogLevel(LogLevel::kInfo);
  const std::string out = testing::internal::GetCapturedStderr();
  EXPECT_EQ(out.find("hidden"), std::string::npos) << out;
  EXPECT_NE(out.find(" level=error msg=shown code=7\n"), std::string::npos) << out;
}

}  // namespace
}  // namespace headroom

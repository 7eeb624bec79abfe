#include "common/utf8.h"

#include <gtest/gtest.h>

namespace headroom {
namespace {

TEST(Utf8, AcceptsEveryLength) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("plain ascii, longer than eight bytes"));
  EXPECT_TRUE(IsUtf8("\xC2\x80 \xDF\xBF"));
  EXPECT_TRUE(IsUtf8("\xE0\xA0\x80 \xED\x9F\xBF \xEE\x80\x80 \xEF\xBF\xBF"));
  EXPECT_TRUE(IsUtf8("\xF0\x90\x80\x80 \xF4\x8F\xBF\xBF"));
}

TEST(Utf8, RefusesIllFormedText) {
  const char* const kRows[] = {
      "\x80",              // continuation first
      "\xC0\xAF",          // overlong '/'
      "\xC1\xBF",          // overlong
      "\xC2",              // truncated
      "\xC2 ",             // broken off
      "\xE0\x9F\xBF",      // overlong
      "\xE2\x82",          // truncated
      "\xED\xA0\x80",      // surrogate
      "\xED\xBF\xBF",      // surrogate
      "\xF0\x8F\xBF\xBF",  // overlong
      "\xF4\x90\x80\x80",  // beyond U+10FFFF
      "\xF5\x80\x80\x80",  // no such lead
      "\xFF",
  };
  for (const char* row : kRows) {
    EXPECT_FALSE(IsUtf8(row)) << testing::PrintToString(std::string(row));
    EXPECT_EQ(ValidUtf8Prefix(std::string("0123456789") + row), 10u);
    EXPECT_TRUE(IsUtf8(ReplaceBadUtf8(row)));
  }
}

TEST(Utf8, ReplacesOnlyBadBytes) {
  EXPECT_EQ(ReplaceBadUtf8("a\xFFz\xC3\xA9"), "a\xEF\xBF\xBDz\xC3\xA9");
  EXPECT_EQ(ReplaceBadUtf8("fine"), "fine");
}

}  // namespace
}  // namespace headroom

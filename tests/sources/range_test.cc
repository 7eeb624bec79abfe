#include "sources/range.h"

#include <gtest/gtest.h>

namespace headroom::sources {
namespace {

TEST(ContentRange, ReadsWhatRfc9110Says) {
  const auto range = ParseContentRange("bytes 5-99/1234");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->first, 5u);
  EXPECT_EQ(range->last, 99u);
  EXPECT_EQ(range->total, 1234u);
  EXPECT_FALSE(ParseContentRange("bytes 0-9/*")->total);
  for (const char* bad : {"", "bytes", "bytes 0-9", "bytes 9-0/10", "bytes 0-10/10", "bytes */10",
                          "octets 0-9/10", "bytes -1-9/10", "bytes 0-9/10 ", "bytes 0-9/x",
                          "bytes 0-18446744073709551615/*", "bytes 0-99999999999999999999/*"}) {
    EXPECT_FALSE(ParseContentRange(bad)) << bad;
  }
}

TEST(RangeHead, AcceptsOnlyTheRangeThatWasAsked) {
  net::HttpResponse head{206, {{"Content-Range", "bytes 100-199/5000"}, {"ETag", "\"a\""}}, ""};
  const auto good = ReadRangeHead(head, 100);
  ASSERT_TRUE(good);
  EXPECT_EQ(good->length, 100u);
  EXPECT_EQ(good->file_bytes, 5000u);
  EXPECT_EQ(good->etag, "\"a\"");
  EXPECT_FALSE(ReadRangeHead(head, 0));
  EXPECT_FALSE(ReadRangeHead({206, {}, ""}, 0));
  head.headers.Set("Content-Encoding", "gzip");
  EXPECT_FALSE(ReadRangeHead(head, 100));
}

TEST(RangeHead, AWholeFileIsFineFromTheStartOnly) {
  const net::HttpResponse head{200, {{"Content-Length", "5000"}}, ""};
  ASSERT_TRUE(ReadRangeHead(head, 0));
  EXPECT_EQ(ReadRangeHead(head, 0)->file_bytes, 5000u);
  EXPECT_FALSE(ReadRangeHead(head, 100));
  EXPECT_FALSE(ReadRangeHead({200, {{"Content-Length", "x"}}, ""}, 0));
}

TEST(RangeHead, StatusTextsAreOurOwn) {
  const std::pair<int, Code> cases[] = {
      {401, Code::kUnauthorized}, {403, Code::kUnauthorized}, {404, Code::kNotFound},
      {416, Code::kInvalid},      {429, Code::kUnavailable},  {503, Code::kUnavailable},
      {204, Code::kInvalid},      {302, Code::kInvalid},
  };
  for (const auto& [status, code] : cases) {
    const auto head = ReadRangeHead({status, {{"X-Error", "secret"}}, "secret body"}, 0);
    ASSERT_FALSE(head) << status;
    EXPECT_EQ(head.error().code(), code) << status;
    EXPECT_EQ(head.error().message().find("secret"), std::string::npos);
  }
}

}  // namespace
}  // namespace headroom::sources

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/http_codec.h"
#include "net/http_writer.h"

namespace headroom::net {
namespace {

using testing::HasSubstr;

// Feeds `text` in pieces of `step` bytes, keeping what the parser leaves.
template <class Parser>
Result<void> FeedInPieces(Parser& parser, const std::string& text, size_t step) {
  std::string pending;
  for (size_t at = 0; at < text.size() && !parser.done(); at += step) {
    pending += text.substr(at, step);
    const auto used = parser.Feed(pending);
    if (!used) return used.error();
    pending.erase(0, *used);
  }
  return {};
}

TEST(HttpCodec, ReadsTheSameRequestInAnyPieces) {
  const std::string text =
      "POST /v HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
      "4;ext=1\r\nwiki\r\n5\r\npedia\r\n0\r\nContent-Type: t\r\n\r\n";
  for (size_t step = 1; step <= text.size(); ++step) {
    RequestParser parser({});
    const auto fed = FeedInPieces(parser, text, step);
    ASSERT_TRUE(fed) << step << ": " << fed.error().message();
    ASSERT_TRUE(parser.done()) << step;
    EXPECT_EQ(parser.request().body, "wikipedia");
    EXPECT_EQ(parser.request().headers.Find("x-one"), "1");
    EXPECT_FALSE(parser.request().headers.Find("Content-Type"));  // trailers are dropped
  }
}

// The last chunk's header comes first and in pieces: Beast alone fails an assertion.
TEST(HttpCodec, ReadsAnEmptyChunkedBodyInAnyPieces) {
  const std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  for (size_t step = 1; step <= text.size(); ++step) {
    ResponseParser parser({}, false);
    const auto fed = FeedInPieces(parser, text, step);
    ASSERT_TRUE(fed) << step << ": " << fed.error().message();
    EXPECT_TRUE(parser.done()) << step;
  }
}

// A watch's line is there as soon as its bytes are, not with the next one.
TEST(HttpCodec, HoldsNoByteOfAChunkBack) {
  ResponseParser parser({}, false);
  const std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc";
  ASSERT_TRUE(FeedInPieces(parser, text, 1));
  EXPECT_EQ(parser.response().body, "abc");
}

TEST(HttpCodec, RefusesAmbiguousRequests) {
  const std::string post = "POST / HTTP/1.1\r\nHost: a\r\n";
  const struct {
    std::string text;
    int status;
  } cases[] = {
      {post + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {post + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400},
      {post + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
      {post + "Content-Length: 1, 1\r\n\r\n", 400},
      {post + "Content-Length: +1\r\n\r\n", 400},
      {post + "Content-Length: 0x1\r\n\r\n", 400},
      {post + "Content-Length: 99999999999999999999999\r\n\r\n", 400},
      {post + "Content-Length : 1\r\n\r\n", 400},
      {post + "Transfer-Encoding: gzip, chunked\r\n\r\n", 400},
      {post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {post + "Transfer-Encoding: identity\r\n\r\n", 400},
      {post + "X: a\r\n b\r\n\r\n", 400},
      {post + "Host: b\r\n\r\n", 400},
      {post + "Transfer-Encoding: chunked\r\n\r\nzzz\r\n", 400},
      {post + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/0.9\r\n\r\n", 400},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"GET / HTTP/1.1\nHost: a\n\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nBad Name: 1\r\n\r\n", 400},
      {post + std::string("X: \0\r\n\r\n", 8), 400},
      {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(300, 'x') + "\r\n\r\n", 431},
      {post + "Content-Length: 101\r\n\r\n", 413},
      {post + "Transfer-Encoding: chunked\r\n\r\n65\r\n" + std::string(101, 'x') + "\r\n", 413},
      {post + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(300, 'x'), 431},
  };
  for (const auto& c : cases) {
    RequestParser parser({.max_header_bytes = 200, .max_body_bytes = 100});
    const auto fed = FeedInPieces(parser, c.text, c.text.size());
    EXPECT_FALSE(fed) << c.text;
    EXPECT_EQ(parser.failure_status(), c.status) << c.text;
  }
}

TEST(HttpCodec, StopsBehindARequestAndStartsTheNext) {
  const std::string one = "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
  RequestParser parser({});
  const auto used = parser.Feed(one + "GET /2 HTTP/1.0\r\n\r\n");
  ASSERT_TRUE(used);
  EXPECT_EQ(*used, one.size());
  EXPECT_TRUE(parser.keep_alive());
  parser.Reset();
  ASSERT_TRUE(parser.Feed("GET /2 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  EXPECT_TRUE(parser.done());
  EXPECT_EQ(parser.request().target, "/2");
  EXPECT_EQ(parser.request().body, "");
  EXPECT_FALSE(parser.keep_alive());
}

TEST(HttpCodec, KnowsWhenResponsesEnd) {
  const struct {
    std::string text;
    bool head, done_before_eof, eof_ok;
  } cases[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", false, true, true},
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh", false, false, false},
      {"HTTP/1.1 200 OK\r\n\r\nh", false, false, true},
      {"HTTP/1.1 204 No Content\r\n\r\n", false, true, true},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", false, true, true},
      {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", true, true, true},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", false, false, false},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, true,
       true},
      {"HTTP/1.1 200", false, false, false},
      {"", false, false, false},
  };
  for (const auto& c : cases) {
    for (const size_t step : {size_t{1}, c.text.size() + 1}) {
      ResponseParser parser({}, c.head);
      const auto fed = FeedInPieces(parser, c.text, step);
      ASSERT_TRUE(fed) << c.text << fed.error().message();
      EXPECT_EQ(parser.done(), c.done_before_eof) << c.text;
      EXPECT_EQ(static_cast<bool>(parser.FeedEof()), c.eof_ok) << c.text;
    }
  }
}

TEST(HttpWriter, WritesHeadsWithItsOwnFraming) {
  HttpResponse response = TextResponse(200, "hi");
  response.headers.Add("content-length", "999");
  response.headers.Add("X-Name", "a\r\nSet-Cookie: evil");
  std::string out;
  AppendResponseHead(out, response, {.close = true, .date = "now"});
  EXPECT_EQ(out,
            "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "X-Name: a  Set-Cookie: evil\r\nContent-Length: 3\r\nConnection: close\r\n\r\n");
  HttpRequest request;
  request.method = "PATCH";
  request.headers.Add("User-Agent", "t");
  out.clear();
  AppendRequestHead(out, request, *ParseUrl("https://[::1]:8443/a?b"), false);
  EXPECT_EQ(
      out, "PATCH /a?b HTTP/1.1\r\nHost: [::1]:8443\r\nUser-Agent: t\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(FormatHttpDate(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(HttpWriter, ReadsDatesOfTheOneForm) {
  EXPECT_EQ(ParseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
  for (const char* text : {"", "soon", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
                           "Mon, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC",
                           "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT+1"}) {
    EXPECT_FALSE(ParseHttpDate(text)) << text;
  }
}

}  // namespace
}  // namespace headroom::net

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/http.h"

namespace headroom::net {
namespace {

TEST(Url, ParsesAndPrintsBack) {
  const struct {
    std::string text, host;
    uint16_t port;
    std::string target, printed;
  } cases[] = {
      {"https://Example.COM", "example.com", 443, "/", "https://example.com/"},
      {"HTTP://a:8080/x?y=%20", "a", 8080, "/x?y=%20", "http://a:8080/x?y=%20"},
      {"http://a:80?q", "a", 80, "/?q", "http://a/?q"},
      {"https://[::1]:9443/v", "::1", 9443, "/v", "https://[::1]:9443/v"},
      {"http://10.0.0.1/", "10.0.0.1", 80, "/", "http://10.0.0.1/"},
  };
  for (const auto& c : cases) {
    const auto url = ParseUrl(c.text);
    ASSERT_TRUE(url) << c.text << ": " << url.error().message();
    EXPECT_EQ(url->host, c.host);
    EXPECT_EQ(url->port, c.port);
    EXPECT_EQ(url->target, c.target);
    EXPECT_EQ(url->ToString(), c.printed);
  }
}

TEST(Url, RefusesWhatTwoReadersWouldReadDifferently) {
  for (const std::string text : {"",
                                 "example.com",
                                 "ftp://a/",
                                 "file:///etc/passwd",
                                 "http://",
                                 "http:///x",
                                 "http://a b/",
                                 "http://u@a/",
                                 "http://u:p@a/",
                                 "http://a/#f",
                                 "http://a\\@b/",
                                 "http://a:/",
                                 "http://a:0/",
                                 "http://a:65536/",
                                 "http://a:8x/",
                                 "http://[::1/",
                                 "http://[fe80::1%25eth0]/",
                                 "http://[127.0.0.1]/",
                                 "http://a%2eb/",
                                 "http://a..b/",
                                 "http://.a/",
                                 "http://a./",
                                 "http://127.1/",
                                 "http://2130706433/",
                                 "http://0x7f000001/",
                                 "http://0177.0.0.1/",
                                 "http://1.2.3.4.5/",
                                 "http://a/\r\nX: y",
                                 "http://\xc3\xa4/",
                                 "http://a,b/"}) {
    EXPECT_FALSE(ParseUrl(text)) << text;
  }
  // A password never reaches a log.
  EXPECT_THAT(ParseUrl("http://u:secret@a/").error().message(),
              testing::Not(testing::HasSubstr("secret")));
}

TEST(Url, ResolvesReferences) {
  const Url base = *ParseUrl("https://a:8443/dir/file?x");
  EXPECT_EQ(ResolveReference(base, "/other?y#frag")->ToString(), "https://a:8443/other?y");
  EXPECT_EQ(ResolveReference(base, "http://b/z")->ToString(), "http://b/z");
  EXPECT_EQ(ResolveReference(base, "//c/z")->ToString(), "https://c/z");
  EXPECT_FALSE(ResolveReference(base, "relative"));
  EXPECT_FALSE(ResolveReference(base, ""));
  EXPECT_FALSE(ResolveReference(base, "javascript:x"));
}

TEST(Target, DecodesPathAndQuery) {
  const auto target = ParseTarget("/v1/a%20b+c?path=%2Fa%26b&empty=&flag&plus=a+b&path=second");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/v1/a b+c");
  EXPECT_EQ(target->Get("path"), "/a&b");
  EXPECT_EQ(target->Get("empty"), "");
  EXPECT_EQ(target->Get("plus"), "a b");
  EXPECT_EQ(target->Get("none"), "");
  EXPECT_EQ(target->query.size(), 5u);
  for (const std::string text :
       {"", "x", "*", "http://a/", "/%", "/%2", "/%zz", "/%00", "/?a=%0"}) {
    EXPECT_FALSE(ParseTarget(text)) << text;
  }
}

TEST(Target, EncodingSurvivesDecoding) {
  std::string all;
  for (int c = 1; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(ParseTarget("/?q=" + PercentEncode(all))->Get("q"), all);
  EXPECT_EQ(PercentEncode("a-z_0.9~ /"), "a-z_0.9~%20%2F");
}

TEST(Endpoint, ParsesEveryForm) {
  EXPECT_EQ(ParseEndpoint("127.0.0.1:80")->port, 80);
  EXPECT_EQ(ParseEndpoint(":0")->host, "");
  EXPECT_EQ(ParseEndpoint("[::1]:9443")->host, "::1");
  EXPECT_EQ(ParseEndpoint("localhost:1")->host, "localhost");
  for (const std::string text :
       {"", "80", "a", "a:", "a:x", "::1:80", "[::1]", "a:70000", "a b:1"}) {
    EXPECT_FALSE(ParseEndpoint(text)) << text;
  }
}

TEST(Headers, NamesAreCaseInsensitive) {
  Headers headers{{"A", "1"}, {"b", "2"}, {"a", "3"}};
  EXPECT_EQ(headers.Find("a"), "1");
  headers.Set("a", "4");
  EXPECT_EQ(headers.fields().size(), 2u);
  EXPECT_EQ(headers.Find("A"), "4");
  EXPECT_FALSE(headers.Find("c"));
}

}  // namespace
}  // namespace headroom::net

#include "net/http_client.h"

#include "net/connector.h"
#include "tests/net/net_fixture.h"

namespace headroom::net::test {
namespace {

using testing::HasSubstr;

// Plays a script against whoever connects: for each connection, waits for a request head and
// sends what the script has for it, then closes (or goes on with the next when it says so).
struct Scripted {
  explicit Scripted(asio::io_context& context)
      : acceptor(context, {asio::ip::address_v4::loopback(), 0}) {}
  tcp::acceptor acceptor;
  int connections = 0;
  uint16_t port() { return acceptor.local_endpoint().port(); }
};

asio::awaitable<void> Play(Scripted& peer, std::vector<std::vector<std::string>> script,
                           bool hold = false) {
  for (const auto& answers : script) {
    tcp::socket socket = co_await peer.acceptor.async_accept(asio::use_awaitable);
    ++peer.connections;
    char buffer[8192];
    for (const auto& answer : answers) {
      const auto [ec, n] = co_await socket.async_read_some(asio::buffer(buffer), kToken);
      if (ec || n == 0) break;
      co_await asio::async_write(socket, asio::buffer(answer), kToken);
    }
    if (hold) co_await socket.async_read_some(asio::buffer(buffer), kToken);
  }
}

class HttpClientTest : public NetTest {
 protected:
  Url ScriptUrl(const std::string& target = "/") {
    return *ParseUrl("http://127.0.0.1:" + std::to_string(peer_.port()) + target);
  }
  Result<HttpResponse> Fetch(HttpClient& client, Url url, HttpRequest request = {},
                             std::chrono::milliseconds limit = 1s) {
    return Run(FetchCoro(client, std::move(url), std::move(request), limit));
  }
  asio::awaitable<Result<HttpResponse>> FetchCoro(HttpClient& client, Url url, HttpRequest request,
                                                  std::chrono::milliseconds limit) {
    return client.Fetch(std::move(url), std::move(request), After(limit));
  }
  ~HttpClientTest() override {
    script_.Cancel();
    Run(script_.Join());
  }

  HttpClient client_{context_.get_executor()};
  Scripted peer_{context_};
  TaskGroup script_{context_.get_executor(), TaskGroup::Mode::kIndependent};
};

TEST_F(HttpClientTest, FetchesAndKeepsTheConnection) {
  Serve(Echo);
  HttpRequest post;
  post.method = "POST";
  post.body = std::string(100'000, 'b');
  const auto first = Fetch(client_, UrlOf("/a"), post);
  ASSERT_TRUE(first) << first.error().message();
  EXPECT_EQ(first->status, 200);
  EXPECT_EQ(first->body, "POST /a " + post.body + "\n");
  const auto second = Fetch(client_, UrlOf("/b"));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->body, "GET /b \n");
  EXPECT_EQ(server_->connections(), 1u);
}

TEST_F(HttpClientTest, ReplacesADeadKeptConnection) {
  const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
  // The second request on the first connection is read and then cut off.
  script_.Spawn(Play(peer_, {{ok, ""}, {ok}}));
  ASSERT_TRUE(Fetch(client_, ScriptUrl()));
  const auto again = Fetch(client_, ScriptUrl());
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->body, "hi");
  EXPECT_EQ(peer_.connections, 2);
}

TEST_F(HttpClientTest, DoesNotRepeatAPost) {
  const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
  script_.Spawn(Play(peer_, {{ok, ""}, {ok}}));
  HttpRequest post;
  post.method = "POST";
  ASSERT_TRUE(Fetch(client_, ScriptUrl(), post));
  const auto again = Fetch(client_, ScriptUrl(), post);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), Code::kUnavailable);
}

TEST_F(HttpClientTest, UnderstandsBodiesThatEndWithTheConnectionAndInterimAnswers) {
  script_.Spawn(Play(
      peer_, {{"HTTP/1.1 103 Early Hints\r\nX: 1\r\n\r\nHTTP/1.1 404 Not Found\r\n\r\ngone"}}));
  const auto got = Fetch(client_, ScriptUrl());
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(got->status, 404);
  EXPECT_EQ(got->body, "gone");
  EXPECT_FALSE(got->headers.Find("X"));
}

TEST_F(HttpClientTest, NamesTheUrlInEveryError) {
  const struct {
    std::string answer;
    Code code;
    std::string text;
  } cases[] = {
      {"SMTP ready\r\n\r\n", Code::kInvalid, "malformed HTTP response"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", Code::kUnavailable,
       "before the response ended"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n", Code::kTooLarge,
       "larger than 1000 bytes"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc",
       Code::kInvalid, "malformed HTTP response"},
  };
  for (const auto& c : cases) {
    HttpClientOptions options;
    options.max_body_bytes = 1000;
    HttpClient client(context_.get_executor(), options);
    script_.Spawn(Play(peer_, {{c.answer}}));
    const auto got = Fetch(client, ScriptUrl("/p"));
    ASSERT_FALSE(got) << c.answer;
    EXPECT_EQ(got.error().code(), c.code) << got.error().message();
    EXPECT_THAT(got.error().message(), HasSubstr(ScriptUrl("/p").ToString() + ": "));
    EXPECT_THAT(got.error().message(), HasSubstr(c.text));
  }
}

TEST_F(HttpClientTest, GivesUpAtTheDeadline) {
  script_.Spawn(Play(peer_, {{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"}}, true));
  const auto got = Fetch(client_, ScriptUrl(), {}, 30ms);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), Code::kTimeout);
}

TEST_F(HttpClientTest, RefusedConnectionIsUnavailable) {
  uint16_t port = 0;
  {
    tcp::acceptor gone(context_, {asio::ip::address_v4::loopback(), 0});
    port = gone.local_endpoint().port();
  }
  const auto got = Fetch(client_, *ParseUrl("http://127.0.0.1:" + std::to_string(port)));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), Code::kUnavailable);
  EXPECT_THAT(got.error().message(), HasSubstr("onnection refused"));
}

TEST_F(HttpClientTest, OneRefusedAddressRefusesTheName) {
  Serve(Echo);
  std::vector<std::string> seen;
  HttpClientOptions options;
  options.address_guard = [&seen](std::string_view host, std::string_view address) -> Result<void> {
    seen.push_back(std::string(host) + "=" + std::string(address));
    // The last record of a name is as bad as the first: "localhost" has one or two.
    return Error(Code::kUnauthorized, "address " + std::string(address) + " is not allowed");
  };
  HttpClient client(context_.get_executor(), options);
  const auto by_name =
      Fetch(client, *ParseUrl("http://localhost:" + std::to_string(server_->port())));
  ASSERT_FALSE(by_name);
  EXPECT_EQ(by_name.error().code(), Code::kUnauthorized);
  EXPECT_FALSE(Fetch(client, UrlOf("/")));
  EXPECT_EQ(seen.back(), "127.0.0.1=127.0.0.1");
  EXPECT_EQ(server_->connections(), 0u);
}

TEST(Connector, AsksForEveryAddressOfALookup) {
  std::vector<std::string> seen;
  const AddressGuard guard = [&seen](std::string_view, std::string_view address) -> Result<void> {
    seen.emplace_back(address);
    if (address == "10.0.0.1") return Error(Code::kUnauthorized, "private");
    return {};
  };
  EXPECT_FALSE(CheckAddresses("h", {"1.1.1.1", "10.0.0.1", "2.2.2.2"}, guard));
  EXPECT_EQ(seen, (std::vector<std::string>{"1.1.1.1", "10.0.0.1"}));
  EXPECT_TRUE(CheckAddresses("h", {"1.1.1.1"}, guard));
  EXPECT_TRUE(CheckAddresses("h", {"10.0.0.1"}, nullptr));
}

asio::awaitable<Result<HttpResponse>> StreamAll(HttpClient& client, Url url,
                                                std::chrono::milliseconds idle, std::string& data,
                                                bool accept) {
  HttpRequest request;
  HttpClient::OnHead on_head = [accept](const HttpResponse&) { return accept; };
  HttpClient::OnData on_data = [&data](std::string_view piece) -> Result<void> {
    data += piece;
    if (data.find("stop") != std::string::npos) return Error(Code::kGone, "enough");
    return {};
  };
  co_return co_await client.Stream(url, request, After(1s), idle, on_head, on_data);
}

TEST_F(HttpClientTest, StreamsPiecesUntilTheEnd) {
  script_.Spawn(
      Play(peer_, {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\n"
                    "def\r\n0\r\n\r\n"}}));
  std::string data;
  const auto head = Run(StreamAll(client_, ScriptUrl(), 1s, data, true));
  ASSERT_TRUE(head) << head.error().message();
  EXPECT_EQ(data, "abcdef");
  EXPECT_EQ(head->status, 200);
}

TEST_F(HttpClientTest, StreamEndsWithTheCallersError) {
  script_.Spawn(Play(peer_, {{"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nstop"}}, true));
  std::string data;
  const auto head = Run(StreamAll(client_, ScriptUrl(), 1s, data, true));
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().code(), Code::kGone);
}

TEST_F(HttpClientTest, StreamTimesOutWhenThePeerFallsSilent) {
  script_.Spawn(Play(peer_, {{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"}}, true));
  std::string data;
  const auto head = Run(StreamAll(client_, ScriptUrl(), 30ms, data, true));
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().code(), Code::kTimeout);
  EXPECT_EQ(data, "ab");
}

TEST_F(HttpClientTest, RefusedHeadComesWithItsErrorText) {
  script_.Spawn(Play(peer_, {{"HTTP/1.1 410 Gone\r\nContent-Length: 7\r\n\r\ntoo old"}}));
  std::string data;
  const auto head = Run(StreamAll(client_, ScriptUrl(), 1s, data, false));
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 410);
  EXPECT_EQ(head->body, "too old");
  EXPECT_EQ(data, "");
}

asio::awaitable<void> CancelMidFetch(HttpClient& client, Url url, TaskGroup& group) {
  struct Discard {
    static asio::awaitable<void> Run(HttpClient& c, Url u) {
      HttpRequest request;
      (void)co_await c.Fetch(u, request, After(10s));
      ADD_FAILURE() << "not cancelled";
    }
  };
  group.Spawn(Discard::Run(client, url));
  co_await SleepFor(1ms);
  group.Cancel();
  co_await group.Join();
}

TEST_F(HttpClientTest, CancellationTravelsAsAnException) {
  script_.Spawn(Play(peer_, {{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"}}, true));
  Run(CancelMidFetch(client_, ScriptUrl(), group_));
}

}  // namespace
}  // namespace headroom::net::test

#include "net/http_server.h"

#include "net/async.h"
#include "net/body_stream.h"
#include "tests/net/net_fixture.h"

namespace headroom::net::test {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class HttpServerTest : public NetTest {
 protected:
  std::string Ask(std::string text) {
    RawClient client(context_);
    return Run(client.Ask(server_->port(), std::move(text)));
  }
};

TEST_F(HttpServerTest, AnswersAndCloses) {
  Serve(Echo);
  const std::string answer = Ask("GET /x?y=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\nDate: "));
  EXPECT_THAT(answer, HasSubstr("\r\nContent-Length: 12\r\nConnection: close\r\n\r\n"));
  EXPECT_THAT(answer, EndsWith("GET /x?y=1 \n"));
}

TEST_F(HttpServerTest, KeepsTheConnectionAndAnswersPipelinedRequestsInOrder) {
  Serve(Echo);
  RawClient client(context_);
  Run(client.Connect(server_->port()));
  Run(
      client.Send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\n"
                  "Content-Length: 3\r\n\r\nabcGET /3 HTTP/1.1\r\nHost: a\r\n\r\nGET /4 HT"));
  EXPECT_THAT(Run(client.ReadUntil("GET /3 \n")), testing::ContainsRegex("/1 [^$]*/2 abc[^$]*/3"));
  Run(client.Send("TP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_THAT(Run(client.ReadUntil("/4 \n")), HasSubstr("200 OK"));
  EXPECT_EQ(server_->connections(), 1u);
}

TEST_F(HttpServerTest, ReadsChunkedBodiesInPieces) {
  Serve(Echo);
  RawClient client(context_);
  Run(client.Connect(server_->port()));
  Run(client.Send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab"));
  Run(client.Send("c\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n"));
  EXPECT_THAT(Run(client.ReadUntil("abcde\n")), Not(HasSubstr("Trailer")));
}

TEST_F(HttpServerTest, AnswersHeadWithoutBody) {
  Serve(Echo);
  const std::string answer = Ask("HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 9\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST_F(HttpServerTest, SendsContinueWhenAsked) {
  Serve(Echo);
  RawClient client(context_);
  Run(client.Connect(server_->port()));
  Run(client.Send(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"));
  EXPECT_EQ(Run(client.ReadUntil("\r\n\r\n")), "HTTP/1.1 100 Continue\r\n\r\n");
  Run(client.Send("hi"));
  EXPECT_THAT(Run(client.ReadUntil("hi\n")), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, RefusesOversizeAndOddInputWithItsStatus) {
  Serve(Echo, {.max_header_bytes = 1000, .max_body_bytes = 10});
  const struct {
    std::string request, status;
  } cases[] = {
      {"GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(2000, 'x') + "\r\n\r\n", "431"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n", "413"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n",
       "413"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       "400"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\n\r\n", "400"},
      {"nonsense\r\n\r\n", "400"},
  };
  for (const auto& c : cases) {
    const std::string answer = Ask(c.request);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 " + c.status)) << c.request.substr(0, 60);
    EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  }
}

TEST_F(HttpServerTest, TellsAClientThatEndsItsRequestEarly) {
  Serve(Echo);
  RawClient client(context_);
  Run(client.Connect(server_->port()));
  Run(client.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"));
  client.socket().shutdown(tcp::socket::shutdown_send);
  EXPECT_THAT(Run(client.ReadToEnd()), StartsWith("HTTP/1.1 400"));
}

TEST_F(HttpServerTest, DropsSlowHeadersAndBodies) {
  Serve(Echo, {.header_timeout = 30ms, .request_timeout = 60ms});
  EXPECT_EQ(Ask(""), "");  // says nothing: closed without a word
  EXPECT_THAT(Ask("GET / HTTP/1.1\r\nHos"), StartsWith("HTTP/1.1 408"));
  EXPECT_THAT(Ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"),
              StartsWith("HTTP/1.1 408"));
}

TEST_F(HttpServerTest, ClosesIdleConnections) {
  Serve(Echo, {.idle_timeout = 30ms});
  const std::string answer = Ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(answer, Not(HasSubstr("408")));
}

TEST_F(HttpServerTest, ClosesConnectionsOverTheCapAtAccept) {
  Serve(Echo, {.max_connections = 1});
  RawClient first(context_);
  Run(first.Connect(server_->port()));
  Run(first.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  Run(first.ReadUntil("GET / \n"));
  EXPECT_EQ(Ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "");
}

TEST_F(HttpServerTest, SilentConnectionsMakeRoomForThoseThatAsk) {
  Serve(Echo, {.max_connections = 2});
  RawClient asking(context_), silent(context_), slow(context_), late(context_);
  Run(asking.Connect(server_->port()));
  Run(asking.Send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"));
  Run(asking.ReadUntil("GET /1 \n"));
  Run(silent.Connect(server_->port()));
  for (RawClient* next : {&slow, &late}) {  // each takes the place of the one before
    Run(next->Connect(server_->port()));
    Run(next->Send("GET /2 HTTP/1.1\r\nHost: a\r\n"));
  }
  EXPECT_EQ(Run(silent.ReadToEnd()), "");
  EXPECT_EQ(Run(slow.ReadToEnd()), "");
  Run(late.Send("\r\n"));
  EXPECT_THAT(Run(late.ReadUntil("GET /2 \n")), HasSubstr("200 OK"));
  Run(asking.Send("GET /3 HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_THAT(Run(asking.ReadUntil("GET /3 \n")), HasSubstr("200 OK"));
}

TEST_F(HttpServerTest, ConnectionsThatLingerMakeRoomForNewOnes) {
  Serve(Echo, {.max_connections = 2});
  RawClient first(context_), second(context_), late(context_);
  for (RawClient* lingering : {&first, &second}) {
    Run(lingering->Connect(server_->port()));
    Run(lingering->Send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"));
    Run(lingering->ReadUntil("GET /1 \n"));
  }
  const auto refused = [](HttpServer& server, RawClient& client) -> asio::awaitable<bool> {
    co_await client.Connect(server.port());
    co_await client.Send("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    co_return (co_await client.ReadUntil("GET /2 \n")).empty();
  };
  // Both have just been answered; after a second the one that was first gives way.
  const auto end = std::chrono::steady_clock::now() + 5s;
  while (Run(refused(*server_, late)) && std::chrono::steady_clock::now() < end) {
    late.socket().close();
  }
  EXPECT_EQ(Run(first.ReadToEnd()), "");
  Run(second.Send("GET /3 HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_THAT(Run(second.ReadUntil("GET /3 \n")), HasSubstr("200 OK"));
}

asio::awaitable<HttpResponse> Throw(const HttpRequest&, const RequestContext&) {
  throw std::runtime_error("boom");
  co_return HttpResponse{};
}

TEST_F(HttpServerTest, TurnsAnExceptionInto500AndGoesOn) {
  Serve(Throw);
  RawClient client(context_);
  Run(client.Connect(server_->port()));
  Run(client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  const std::string answer = Run(client.ReadUntil("internal error\n", 2));
  EXPECT_EQ(RawClient::Count(answer, "HTTP/1.1 500"), 2);
  EXPECT_THAT(answer, Not(HasSubstr("boom")));
}

// A handler that waits to be let go.
struct Gate {
  Notifier entered, leave;
  asio::awaitable<HttpResponse> Handle(const HttpRequest& request) {
    entered.Notify();
    co_await leave.Wait(Deadline::max());
    co_return TextResponse(200, "done " + request.target);
  }
};

HttpHandler Through(Gate& gate) {
  return
      [&gate](const HttpRequest& request, const RequestContext&) { return gate.Handle(request); };
}

TEST_F(HttpServerTest, DrainingAnswersWithCloseAndStillAccepts) {
  Serve(Echo);
  RawClient idle(context_);
  Run(idle.Connect(server_->port()));
  Run(idle.Send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_THAT(Run(idle.ReadUntil("/1 \n")), Not(HasSubstr("close")));
  server_->StartDraining();
  Run(idle.Send("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_THAT(Run(idle.ReadToEnd()), HasSubstr("Connection: close"));
  EXPECT_THAT(Ask("GET /3 HTTP/1.1\r\nHost: a\r\n\r\n"), HasSubstr("Connection: close"));
}

asio::awaitable<std::string> StopWhileBusy(HttpServer& server, Gate& gate, RawClient& busy,
                                           RawClient& idle, TaskGroup& group) {
  co_await idle.Connect(server.port());
  co_await busy.Connect(server.port());
  co_await busy.Send("GET /busy HTTP/1.1\r\nHost: a\r\n\r\n");
  co_await gate.entered.Wait(Deadline::max());
  group.Spawn(server.Stop(1s));
  const std::string from_idle = co_await idle.ReadToEnd();  // closed at once
  gate.leave.Notify();
  co_return from_idle + co_await busy.ReadToEnd();
}

TEST_F(HttpServerTest, StopLetsBusyConnectionsFinish) {
  Gate gate;
  Serve(Through(gate));
  RawClient busy(context_), idle(context_);
  const std::string got = Run(StopWhileBusy(*server_, gate, busy, idle, group_));
  EXPECT_THAT(got, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(got, HasSubstr("Connection: close"));
  Run(group_.Join());  // Run() has returned
  RawClient late(context_);
  EXPECT_THROW(Run(late.Connect(server_->port())), boost::system::system_error);
}

asio::awaitable<void> EnterAndStop(HttpServer& server, Gate& gate, RawClient& client) {
  co_await client.Connect(server.port());
  co_await client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  co_await gate.entered.Wait(Deadline::max());
  co_await server.Stop(20ms);
}

TEST_F(HttpServerTest, StopCancelsWhatOutlastsTheGrace) {
  Gate gate;
  Serve(Through(gate));
  RawClient client(context_);
  Run(EnterAndStop(*server_, gate, client));
  EXPECT_EQ(server_->connections(), 0u);
  EXPECT_EQ(Run(client.ReadToEnd()), "");
}

asio::awaitable<void> EnterAndCancel(HttpServer& server, Gate& gate, RawClient& client,
                                     TaskGroup& group) {
  co_await client.Connect(server.port());
  co_await client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  co_await gate.entered.Wait(Deadline::max());
  group.Cancel();
  co_await group.Join();
}

TEST_F(HttpServerTest, CancellingRunInMidRequestEndsEverything) {
  Gate gate;
  Serve(Through(gate));
  RawClient client(context_);
  Run(EnterAndCancel(*server_, gate, client, group_));
  EXPECT_EQ(server_->connections(), 0u);
}

// Three pieces, or pieces until somebody stops it.
class Pieces : public BodyStream {
 public:
  explicit Pieces(int most) : left_(most) {}
  asio::awaitable<std::optional<std::string>> Next() override {
    co_await SleepFor(1ms);
    if (left_-- == 0) co_return std::nullopt;
    co_return "piece\n";
  }

 private:
  int left_;
};

HttpHandler Streaming(int pieces) {
  return [pieces](const HttpRequest&, const RequestContext&) -> asio::awaitable<HttpResponse> {
    HttpResponse response;
    response.headers.Set("Content-Type", "text/plain");
    response.stream = std::make_shared<Pieces>(pieces);
    co_return response;
  };
}

TEST_F(HttpServerTest, StreamsABodyUntilItEnds) {
  Serve(Streaming(3));
  const std::string answer = Ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n\r\npiece\n"));
  EXPECT_THAT(answer, EndsWith("piece\npiece\npiece\n"));
  EXPECT_THAT(answer, Not(HasSubstr("Content-Length")));
  const std::string head = Ask("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(head, EndsWith("\r\n\r\n"));
}

TEST_F(HttpServerTest, AnEndlessStreamDoesNotHoldUpTheStop) {
  Serve(Streaming(-1));
  RawClient client(context_);
  Run(client.Connect(server_->port()));
  Run(client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  Run(client.ReadUntil("piece\n", 2));
  const auto started = std::chrono::steady_clock::now();
  Run(server_->Stop(1h));
  EXPECT_LT(std::chrono::steady_clock::now() - started, 2s);
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(HttpServerTest, AReaderThatLeavesEndsItsStream) {
  Serve(Streaming(-1));
  {
    RawClient client(context_);
    Run(client.Connect(server_->port()));
    Run(client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    Run(client.ReadUntil("piece\n"));
  }
  const auto gone = [](HttpServer& server) -> asio::awaitable<void> {
    while (server.connections() != 0) co_await SleepFor(1ms);
  };
  Run(gone(*server_));
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(HttpServerTest, NamesTheAddressInUse) {
  Serve(Echo);
  const auto second =
      HttpServer::Listen(context_.get_executor(), {.listen = server_->address()}, Echo);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message(),
            "--listen " + server_->address() + ": Address already in use");
  const auto bad = HttpServer::Listen(context_.get_executor(), {.listen = "nowhere"}, Echo);
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().message(), HasSubstr("expected HOST:PORT"));
}

}  // namespace
}  // namespace headroom::net::test

#include "net/http_connection.h"

#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <ctime>

#include "common/log.h"
#include "net/async.h"
#include "net/body_stream.h"
#include "net/http_codec.h"
#include "net/http_writer.h"

namespace headroom::net {

namespace asio = boost::asio;

namespace {

// A request without a body fits one read; a large body is read in larger pieces.
constexpr size_t kReadBytes = 8 << 10;
constexpr size_t kBodyReadBytes = 64 << 10;
// Up to here head and body go out in one write; copying is cheaper than a second one.
constexpr size_t kJoinBytes = 64 << 10;
constexpr auto kGoodbye = std::chrono::milliseconds(1000);
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

enum class Step {
  kAnswer,  // a request is complete
  kRefuse,  // it is not HTTP, too large or too slow: `refusal` says so, then close
  kClose,   // nothing to say to anybody
};

struct Session {
  explicit Session(HttpConnection& c)
      : connection(c),
        parser({c.shared.options.max_header_bytes, c.shared.options.max_body_bytes}) {}
  HttpConnection& connection;
  RequestParser parser;
  InputBuffer input;
  std::string output;
  HttpResponse refusal;
  bool first = true;       // no request yet on this connection
  bool continued = false;  // 100 Continue was sent for this one
};

Step Refuse(Session& session, int status, std::string_view text) {
  session.refusal = TextResponse(status, text);
  return Step::kRefuse;
}

Deadline ReadDeadline(const Session& session) {
  const HttpServerOptions& options = session.connection.shared.options;
  if (!session.connection.busy) {
    // A new connection has something to say; a kept one may be quiet for longer.
    return After(session.first ? options.header_timeout : options.idle_timeout);
  }
  return session.connection.context.first_byte +
         (session.parser.head_done() ? options.request_timeout
                                     : std::min(options.header_timeout, options.request_timeout));
}

asio::awaitable<Result<void>> SayContinue(Session& session, Deadline deadline) {
  if (session.continued || !session.parser.head_done() || !session.parser.expects_continue()) {
    co_return Result<void>();
  }
  session.continued = true;
  co_return co_await session.connection.stream.Write(kContinue, deadline);
}

asio::awaitable<Step> ReadMore(Session& session) {
  HttpConnection& connection = session.connection;
  const Deadline deadline = ReadDeadline(session);
  if (connection.busy) {
    auto said = co_await SayContinue(session, deadline);
    if (!said) co_return Step::kClose;
  }
  const auto room = session.input.Prepare(session.parser.head_done() ? kBodyReadBytes : kReadBytes);
  const auto n = co_await connection.stream.ReadSome(room, deadline);
  if (!n) {
    const bool late = n.error().code() == Code::kTimeout && connection.busy;
    co_return late ? Refuse(session, 408, "the request took too long to arrive") : Step::kClose;
  }
  if (*n == 0) {
    co_return connection.busy ? Refuse(session, 400, "the request ended early") : Step::kClose;
  }
  session.input.Commit(*n);
  co_return Step::kAnswer;
}

asio::awaitable<Step> ReadRequest(Session& session) {
  session.parser.Reset();
  session.continued = false;
  for (;;) {
    if (!session.input.empty()) {
      if (!session.connection.busy) {
        session.connection.busy = true;
        session.connection.context.first_byte = std::chrono::steady_clock::now();
      }
      const auto used = session.parser.Feed(session.input.View());
      if (!used) {
        co_return Refuse(session, session.parser.failure_status(), used.error().message());
      }
      session.input.Consume(*used);
      if (session.parser.done()) {
        session.connection.trusted = true;
        session.connection.context.last_byte = std::chrono::steady_clock::now();
        co_return Step::kAnswer;
      }
    }
    const Step step = co_await ReadMore(session);
    if (step != Step::kAnswer) co_return step;
  }
}

std::string Describe(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "unknown exception";
  }
}

asio::awaitable<HttpResponse> Handle(Session& session) {
  const HttpRequest& request = session.parser.request();
  std::exception_ptr error;
  try {
    co_return co_await session.connection.shared.handler(request, session.connection.context);
  } catch (...) {
    error = std::current_exception();
  }
  const auto cancellation = co_await asio::this_coro::cancellation_state;
  if (cancellation.cancelled() != asio::cancellation_type::none) std::rethrow_exception(error);
  LogError("a request handler failed", {{"method", request.method},
                                        {"target", request.target},
                                        {"peer", session.connection.context.peer},
                                        {"error", Describe(error)}});
  co_return TextResponse(500, "internal error");
}

asio::awaitable<Result<void>> Send(Session& session, const HttpResponse& response, bool close,
                                   bool body_less) {
  HttpConnection& connection = session.connection;
  const Deadline deadline = After(connection.shared.options.request_timeout);
  session.output.clear();
  const ResponseFraming framing{
      .close = close, .length = response.stream == nullptr, .date = connection.shared.Date()};
  AppendResponseHead(session.output, response, framing);
  std::string_view body;
  if (!body_less && StatusHasBody(response.status)) body = response.body;
  if (body.size() <= kJoinBytes) {
    session.output += body;
    co_return co_await connection.stream.Write(session.output, deadline);
  }
  auto head = co_await connection.stream.Write(session.output, deadline);
  if (!head) co_return head;
  co_return co_await connection.stream.Write(body, deadline);
}

// Nothing waits for a stream to end: the connection counts as idle, so that Stop() closes it.
asio::awaitable<Result<void>> SendStream(Session& session, const HttpResponse& response) {
  HttpConnection& connection = session.connection;
  auto sent = co_await Send(session, response, true, false);
  connection.busy = false;
  while (sent) {
    const auto piece = co_await response.stream->Next();
    if (!piece) break;
    sent =
        co_await connection.stream.Write(*piece, After(connection.shared.options.request_timeout));
  }
  co_return sent;
}

// True when the connection may take another request.
asio::awaitable<bool> ServeOne(Session& session) {
  const Step step = co_await ReadRequest(session);
  if (step == Step::kClose) co_return false;
  bool close = true;
  Result<void> sent;
  if (step == Step::kAnswer) {
    const HttpResponse response = co_await Handle(session);
    const bool head = session.parser.request().method == "HEAD";
    const bool stream = response.stream != nullptr && !head;
    close = stream || !session.parser.keep_alive() || session.connection.shared.draining;
    if (stream) {
      sent = co_await SendStream(session, response);
    } else {
      sent = co_await Send(session, response, close, head);
    }
  } else {
    sent = co_await Send(session, session.refusal, true, false);
  }
  if (!sent) co_return false;
  if (close) co_await session.connection.stream.Shutdown(After(kGoodbye));
  session.connection.busy = false;
  session.connection.active_at = std::chrono::steady_clock::now();
  session.first = false;
  co_return !close;
}

}  // namespace

std::string_view HttpShared::Date() {
  const int64_t now = time(nullptr);
  if (now != date_second) {
    date_second = now;
    date = FormatHttpDate(now);
  }
  return date;
}

asio::awaitable<void> ServeConnection(HttpConnection& connection) {
  const HttpServerOptions& options = connection.shared.options;
  if (options.tls != nullptr) {
    const auto shaken = co_await connection.stream.AcceptTls(options.tls->Current(),
                                                             After(options.handshake_timeout));
    if (!shaken) {
      LogDebug("TLS handshake failed",
               {{"peer", connection.context.peer}, {"error", shaken.error()}});
      co_return;
    }
  }
  Session session(connection);
  while (co_await ServeOne(session)) {
  }
}

}  // namespace headroom::net

// HTTP/1.1 server: one coroutine per connection, a deadline on each read, write and handshake, caps
// on connections and body, and a graceful drain.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/result.h"
#include "net/http.h"
#include "net/tls.h"

namespace headroom::net {

struct HttpServerOptions {
  std::string listen = "127.0.0.1:0";  // HOST:PORT
  const TlsServer* tls = nullptr;      // not owned; plain HTTP when null
  // Over it the oldest connection that has not brought a whole request yet makes room; where each
  // has, the new one is closed at accept.
  size_t max_connections = 512;
  size_t max_header_bytes = 16 << 10;  // more: 431
  size_t max_body_bytes = 1 << 20;     // more: 413
  std::chrono::milliseconds handshake_timeout{10'000};
  std::chrono::milliseconds header_timeout{10'000};   // from the first byte of a request
  std::chrono::milliseconds request_timeout{30'000};  // whole request read
  std::chrono::milliseconds idle_timeout{120'000};    // above client-go's 90 s: it closes first
};

// What a handler knows of its caller and of the request's way here.
struct RequestContext {
  std::string peer;           // "127.0.0.1:51234"
  SteadyTime first_byte{};    // of this request
  SteadyTime last_byte = {};  // when it was complete
};

// Runs on the server's executor. An exception becomes a 500 and a log line, never a crash. Kept
// alive by the server; must outlive it if it refers to other objects.
using HttpHandler =
    std::function<boost::asio::awaitable<HttpResponse>(const HttpRequest&, const RequestContext&)>;

class HttpServer {
 public:
  // Binds and listens at once, so that the port is known and "address in use" is an error here:
  // "--listen 127.0.0.1:9443: Address already in use".
  static Result<std::unique_ptr<HttpServer>> Listen(boost::asio::any_io_executor executor,
                                                    HttpServerOptions options, HttpHandler handler);
  ~HttpServer();

  uint16_t port() const;
  std::string address() const;  // "127.0.0.1:9443"
  std::string url() const;      // "https://127.0.0.1:9443"

  // Accepts until cancelled or drained.
  boost::asio::awaitable<void> Run();
  // From now on every response carries Connection: close; idle connections stay usable, so that a
  // client that already picked us is served.
  void StartDraining();
  // Closes the acceptor and idle connections, waits up to `grace` for the busy ones.
  boost::asio::awaitable<void> Stop(std::chrono::milliseconds grace);

  size_t connections() const;

 private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);
  static boost::asio::awaitable<void> AcceptLoop(State& state);
  std::unique_ptr<State> state_;
};

}  // namespace headroom::net

// One connection of the HTTP server, from handshake to close. Internal to net/.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <string>

#include "net/http_server.h"
#include "net/stream.h"

namespace headroom::net {

// What all connections of a server share; outlives them.
struct HttpShared {
  HttpServerOptions options;
  HttpHandler handler;
  bool draining = false;
  // The Date header, made once a second.
  int64_t date_second = -1;
  std::string date = {};

  HttpShared(HttpServerOptions o, HttpHandler h) : options(std::move(o)), handler(std::move(h)) {}
  std::string_view Date();
};

struct HttpConnection {
  HttpConnection(HttpShared& s, boost::asio::ip::tcp::socket socket, std::string peer)
      : shared(s), stream(std::move(socket)), context{.peer = std::move(peer)} {}
  HttpShared& shared;
  ByteStream stream;
  RequestContext context;
  bool busy = false;     // from the first byte of a request until its answer is written
  bool trusted = false;  // has brought a whole request
  bool evicted = false;  // closed to make room for another
  // Accepted, or the last answer sent.
  SteadyTime active_at = std::chrono::steady_clock::now();
};

// Returns when the connection is closed; throws only when cancelled.
boost::asio::awaitable<void> ServeConnection(HttpConnection& connection);

}  // namespace headroom::net

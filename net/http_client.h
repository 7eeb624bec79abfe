// HTTP/1.1 client over TCP or TLS with keep-alive per (scheme, host, port), a deadline on every
// call, caps on what a peer may send, and a dial guard that sees each resolved address.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "net/async.h"
#include "net/http.h"
#include "net/tls.h"

namespace headroom::net {

struct HttpClientOptions {
  // Used for https; made from the system's trust store when null.
  SslContext tls;
  // Certificates are verified against the URL's host unless this names another.
  std::string tls_server_name;
  size_t max_header_bytes = 64 << 10;
  size_t max_body_bytes = 64 << 20;
  // Asked for every address a name resolved to (textual form) before any of them is dialled: one
  // refusal refuses the whole name, and the connection goes to the checked address itself, so a
  // second answer of the resolver cannot redirect it. Null = everything is allowed.
  std::function<Result<void>(std::string_view host, std::string_view address)> address_guard;
};

// Pass named objects to the coroutines below, not `{}` or a lambda written inside the co_await:
// g++ 12 destroys such temporaries twice.
class HttpClient {
 public:
  HttpClient(boost::asio::any_io_executor executor, HttpClientOptions options = {});
  ~HttpClient();

  // The whole response. A kept connection that turns out dead is replaced (idempotent methods
  // only). The request's own `target` is not used: the URL has it. Redirects are returned, not
  // followed. Errors name the URL: kTimeout, kUnavailable, kTooLarge, kInvalid (no HTTP).
  boost::asio::awaitable<Result<HttpResponse>> Fetch(Url url, HttpRequest request,
                                                     Deadline deadline);

  // A response whose body is handed over in pieces as they arrive (watches, downloads).
  // `on_head` sees status and headers and says whether to go on; `on_data` likewise. The connection
  // is used up. `idle` bounds the silence between pieces; there is no overall deadline once
  // the head has arrived. Returns the head (for a refused head with up to 64 KiB of its body, so an
  // error text can be read).
  using OnHead = std::function<bool(const HttpResponse& head)>;
  using OnData = std::function<Result<void>(std::string_view data)>;
  boost::asio::awaitable<Result<HttpResponse>> Stream(Url url, HttpRequest request,
                                                      Deadline head_deadline,
                                                      std::chrono::milliseconds idle,
                                                      OnHead on_head, OnData on_data);

  // New TLS settings for connections made from now on (rotated client certificates).
  void SetTls(SslContext tls);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace headroom::net

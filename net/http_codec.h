// HTTP/1.1 without sockets: parsers that are fed bytes, over Boost.Beast's, with what Beast lets
// through refused here (both lengths, folded lines, several hosts), because two readers of one odd
// message disagree about where it ends.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "common/result.h"
#include "net/http.h"

namespace headroom::net {

struct HttpLimits {
  size_t max_header_bytes = 16 << 10;
  size_t max_body_bytes = 1 << 20;
};

// One request after the other on a connection. Feed() is given everything unread and answers how
// much it used; the rest must be offered again with more behind it.
class RequestParser {
 public:
  explicit RequestParser(HttpLimits limits);
  ~RequestParser();

  void Reset();  // for the next request; request() keeps its memory where that is small
  Result<size_t> Feed(std::string_view input);
  int failure_status() const;  // 400, 413 or 431 once Feed() failed
  bool head_done() const;
  bool done() const;
  bool keep_alive() const;
  bool expects_continue() const;  // "Expect: 100-continue"
  const HttpRequest& request() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// One response; 1xx ones in front of it are skipped. The body gathers in response().body; a
// streaming caller takes it out between two Feed() calls and passes no body limit.
class ResponseParser {
 public:
  ResponseParser(HttpLimits limits, bool to_head_request);
  ~ResponseParser();

  Result<size_t> Feed(std::string_view input);
  Result<void> FeedEof();  // ok where the end of the connection ends the body
  bool head_done() const;
  bool done() const;
  bool started() const;  // any byte was used
  bool keep_alive() const;
  HttpResponse& response();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headroom::net

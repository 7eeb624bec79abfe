// Requests and responses, whole and in pieces, one after the other on a connection: no crash, the
// cuts change nothing, and no limit is passed.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "net/http_codec.h"
#include "net/http_writer.h"

namespace {

using headroom::net::HttpLimits;
using headroom::net::RequestParser;
using headroom::net::ResponseParser;

constexpr HttpLimits kLimits{.max_header_bytes = 512, .max_body_bytes = 1024};

// The requests of a connection that was read in pieces of `piece` bytes, as text; `refused` when it
// ends with something that is none.
struct Requests {
  std::vector<std::string> list;
  bool refused = false;
  friend bool operator==(const Requests&, const Requests&) = default;
};

Requests ReadRequests(const std::string& text, size_t piece) {
  Requests out;
  RequestParser parser(kLimits);
  std::string pending;
  for (size_t at = 0; at < text.size();) {
    pending += text.substr(at, piece);
    at += piece;
    while (!pending.empty()) {
      const auto used = parser.Feed(pending);
      if (!used) {
        out.refused = true;
        return out;
      }
      if (*used > pending.size()) abort();
      pending.erase(0, *used);
      if (!parser.done()) break;
      const auto& request = parser.request();
      if (request.body.size() > kLimits.max_body_bytes) abort();
      out.list.push_back(request.method + " " + request.target + " " + request.body);
      if (!parser.keep_alive()) return out;
      parser.Reset();
    }
  }
  return out;
}

struct Response {
  bool ok = true, done = false;
  int status = 0;
  std::string body;
  friend bool operator==(const Response&, const Response&) = default;
};

Response ReadResponse(const std::string& text, size_t piece, bool to_head) {
  Response out;
  ResponseParser parser(kLimits, to_head);
  std::string pending;
  for (size_t at = 0; at < text.size() && !parser.done(); at += piece) {
    pending += text.substr(at, piece);
    const auto used = parser.Feed(pending);
    if (!used) return {false, false, 0, ""};
    if (*used > pending.size()) abort();
    pending.erase(0, *used);
  }
  out.ok = parser.FeedEof().has_value();
  out.done = parser.done();
  if (out.ok) out.status = parser.response().status;
  if (out.ok) out.body = parser.response().body;
  if (out.body.size() > kLimits.max_body_bytes) abort();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const size_t piece = (data[0] | data[1] << 8) % (text.size() + 1) + 1;
  const bool to_head = data[1] & 0x80;
  // Whether too much header is refused may depend on the cut (it is only counted while it waits),
  // so that refusals are compared only when both saw all.
  const Requests whole = ReadRequests(text, text.size() + 1), parts = ReadRequests(text, piece);
  if (!whole.refused && !parts.refused && whole != parts) abort();
  const Response all = ReadResponse(text, text.size() + 1, to_head);
  const Response cut = ReadResponse(text, piece, to_head);
  if (all.ok && cut.ok && all != cut) abort();
  if (const auto date = headroom::net::ParseHttpDate(text)) {
    if (headroom::net::FormatHttpDate(*date) != text) abort();
  }
  return 0;
}

// The other half of the codec: messages to bytes, appended to the caller's buffer so that a
// connection reuses its memory. Framing headers (Content-Length, Transfer-Encoding, Connection) are
// ours; a caller's are left out, and no value can start a line of its own.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/http.h"

namespace headroom::net {

struct ResponseFraming {
  bool close = false;     // "Connection: close"
  bool length = true;     // "Content-Length: " of the body; without it the connection's end ends it
  std::string_view date;  // IMF-fixdate, or "" for none
};

// Status line, headers and the empty line; the body is the caller's to send.
void AppendResponseHead(std::string& out, const HttpResponse& response,
                        const ResponseFraming& framing);
void AppendRequestHead(std::string& out, const HttpRequest& request, const Url& url, bool close);

// False for 1xx, 204 and 304, which have none.
bool StatusHasBody(int status);

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string FormatHttpDate(int64_t unix_seconds);
// Only that form; nullopt for the obsolete ones and anything else.
std::optional<int64_t> ParseHttpDate(std::string_view text);

}  // namespace headroom::net

// BodyStream: a response body that is made while it is sent, such as server-sent events. It has no
// length: the end of the connection ends it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>

namespace headroom::net {

class BodyStream {
 public:
  virtual ~BodyStream() = default;
  // The next piece, sent as soon as it is there; nullopt ends the response. Cancelled when the
  // server stops. Asked again only when the piece before was written, so a slow reader holds up
  // nobody and costs one piece of memory.
  virtual boost::asio::awaitable<std::optional<std::string>> Next() = 0;
};

}  // namespace headroom::net

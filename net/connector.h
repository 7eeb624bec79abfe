// From a host name to a connected socket: resolve, show every address to the guard, dial the
// checked addresses in turn. Internal to net/.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <string>
#include <string_view>

#include "common/result.h"
#include "net/async.h"
#include "net/stream.h"

namespace headroom::net {

using AddressGuard = std::function<Result<void>(std::string_view host, std::string_view address)>;

// `guard` is read before the first suspension only through the reference given: it must outlive the
// call. An IP literal is not resolved (no resolver thread), but guarded like the rest.
boost::asio::awaitable<Result<ByteStream>> Dial(std::string host, uint16_t port,
                                            const AddressGuard& guard, Deadline deadline);

}  // namespace headroom::net

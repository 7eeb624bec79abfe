// From a host name to a connected socket: resolve, show every address to the guard, dial the
// checked addresses in turn. Internal to net/.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "net/async.h"
#include "net/stream.h"

namespace headroom::net {

using AddressGuard = std::function<Result<void>(std::string_view host, std::string_view address)>;

// Ok when `guard` (null = everything) allows all of `addresses`, the ones of one lookup of `host`.
Result<void> CheckAddresses(std::string_view host, const std::vector<std::string>& addresses,
                            const AddressGuard& guard);

// `guard` must outlive the call. An IP literal is not resolved (no resolver thread), but guarded
// like the rest.
boost::asio::awaitable<Result<ByteStream>> Dial(std::string host, uint16_t port,
                                                const AddressGuard& guard, Deadline deadline);

}  // namespace headroom::net

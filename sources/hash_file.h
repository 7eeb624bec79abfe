// The sha256 of a file, taken on the worker thread in pieces. Internal to sources/.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "common/result.h"

namespace headroom::sources {

// 64 lower-case hex digits.
boost::asio::awaitable<Result<std::string>> HashFile(std::string path);

}  // namespace headroom::sources

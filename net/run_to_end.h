// How a program runs its one coroutine.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

namespace headroom::net {

// Runs `io` until `work` has ended; what it threw is rethrown. Not io.run(): connections and timers
// that are kept for reuse would hold the program up after everything has ended.
void RunToEnd(boost::asio::io_context& io, boost::asio::awaitable<void> work);

}  // namespace headroom::net

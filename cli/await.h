// Runs one coroutine to its end, for commands that have nothing else to do. Not io.run(): timers of
// kept connections would hold the command up after its answer has come.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>

namespace headroom::cli {

// What `work` threw is rethrown. `io` may be used again.
template <class T>
T Await(boost::asio::io_context& io, boost::asio::awaitable<T> work) {
  io.restart();
  std::optional<T> result;
  std::exception_ptr failure;
  boost::asio::co_spawn(io, std::move(work), [&](std::exception_ptr error, T value) {
    failure = error;
    result.emplace(std::move(value));
  });
  while (!result && io.run_one() > 0) {
  }
  if (failure) std::rethrow_exception(failure);
  return std::move(*result);
}

}  // namespace headroom::cli

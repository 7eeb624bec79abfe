// RunCoro(awaitable<T>): runs one coroutine on a fresh io_context and fails the test when it has
// not ended in time. T must be default-constructible. Overload with a context: for tests that make
// servers and clients on the same executor first.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <future>
#include <type_traits>

namespace headroom::test {

using namespace std::chrono_literals;

template <class T>
T RunCoro(boost::asio::io_context& context, boost::asio::awaitable<T> task,
          std::chrono::milliseconds limit = 2s) {
  auto future = boost::asio::co_spawn(context, std::move(task), boost::asio::use_future);
  const auto end = std::chrono::steady_clock::now() + limit;
  context.restart();
  while (future.wait_for(0s) != std::future_status::ready) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= end || context.run_one_for(end - now) == 0) break;
  }
  if (future.wait_for(0s) != std::future_status::ready) {
    ADD_FAILURE() << "timed out after " << limit.count() << " ms";
    if constexpr (std::is_void_v<T>) {
      return;
    } else {
      return T{};
    }
  }
  return future.get();
}

template <class T>
T RunCoro(boost::asio::awaitable<T> task, std::chrono::milliseconds limit = 2s) {
  boost::asio::io_context context(1);
  return RunCoro(context, std::move(task), limit);
}

}  // namespace headroom::test

// A server with a given handler and a raw client that says exactly what a test wants, all on one
// io_context.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <string>

#include "net/http_client.h"
#include "net/http_server.h"
#include "net/task_group.h"
#include "tests/support/run_coro.h"

namespace headroom::net::test {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;
using headroom::test::RunCoro;

inline constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

// Answers with what it was asked.
inline asio::awaitable<HttpResponse> Echo(const HttpRequest& request, const RequestContext&) {
  co_return TextResponse(200, request.method + " " + request.target + " " + request.body);
}

// A TCP client without any HTTP of its own.
class RawClient {
 public:
  explicit RawClient(asio::io_context& context) : socket_(context) {}

  asio::awaitable<void> Connect(uint16_t port) {
    co_await socket_.async_connect({asio::ip::address_v4::loopback(), port}, asio::use_awaitable);
  }
  asio::awaitable<void> Send(std::string text) {
    co_await asio::async_write(socket_, asio::buffer(text), kToken);
  }
  // Reads until `needle` has been seen `times` times, or the end.
  asio::awaitable<std::string> ReadUntil(std::string needle, int times = 1) {
    std::string got;
    char buffer[4096];
    while (Count(got, needle) < times) {
      const auto [ec, n] = co_await socket_.async_read_some(asio::buffer(buffer), kToken);
      got.append(buffer, n);
      if (ec) {
        socket_.close();  // the server waits for our end a moment before it closes its own
        break;
      }
    }
    co_return got;
  }
  asio::awaitable<std::string> ReadToEnd() { return ReadUntil("\x01never\x01"); }
  asio::awaitable<std::string> Ask(uint16_t port, std::string text) {
    co_await Connect(port);
    co_await Send(std::move(text));
    co_return co_await ReadToEnd();
  }
  tcp::socket& socket() { return socket_; }

  static int Count(const std::string& text, const std::string& needle) {
    int count = 0;
    for (size_t at = text.find(needle); at != std::string::npos; at = text.find(needle, at + 1)) {
      ++count;
    }
    return count;
  }

 private:
  tcp::socket socket_;
};

class NetTest : public testing::Test {
 protected:
  ~NetTest() override {
    if (server_) StopServing();
  }

  void Serve(HttpHandler handler, HttpServerOptions options = {}) {
    auto server =
        HttpServer::Listen(context_.get_executor(), std::move(options), std::move(handler));
    ASSERT_TRUE(server) << server.error().message();
    server_ = std::move(*server);
    group_.Spawn(server_->Run());
  }
  // Also waits for Run(), which uses the server until it returns.
  void StopServing() {
    RunCoro(context_, server_->Stop(0ms));
    RunCoro(context_, group_.Join());
    server_.reset();
  }
  Url UrlOf(const std::string& target, const std::string& scheme = "http") {
    return *ParseUrl(scheme + "://127.0.0.1:" + std::to_string(server_->port()) + target);
  }
  template <class T>
  T Run(asio::awaitable<T> task) {
    return RunCoro(context_, std::move(task));
  }

  asio::io_context context_{1};
  TaskGroup group_{context_.get_executor(), TaskGroup::Mode::kIndependent};
  std::unique_ptr<HttpServer> server_;
};

}  // namespace headroom::net::test

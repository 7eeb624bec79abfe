// A stand-in for an exporter or an API server beside a command under test, each page from a table.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <thread>

#include "net/http_server.h"
#include "tests/cli/support.h"

namespace headroom::cli {

class ServedCommandTest : public CommandTest {
 protected:
  // What is at a path, whatever the query: answered from the server's thread, so it is set before.
  using Pages = std::map<std::string, Json>;

  void Serve() {
    auto server = net::HttpServer::Listen(
        io_.get_executor(), {.listen = "127.0.0.1:0"},
        [this](const net::HttpRequest& request, const net::RequestContext&) {
          return Answer(this, request);
        });
    ASSERT_TRUE(server);
    server_ = std::move(*server);
    url_ = "http://" + server_->address();
    thread_ = std::thread([this] {
      boost::asio::co_spawn(io_, server_->Run(), Ended());
      io_.run();
    });
  }
  // A kubeconfig whose cluster is the stand-in.
  std::string Kubeconfig() {
    return Write("kubeconfig",
                 "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
                 "contexts: [{name: c, context: {cluster: c, user: u}}]\n"
                 "clusters: [{name: c, cluster: {server: '" +
                     url_ + "'}}]\nusers: [{name: u, user: {token: t}}]\n");
  }
  void TearDown() override {
    if (thread_.joinable()) {
      // Both use the server until they return; timers of kept connections would go on for longer.
      boost::asio::co_spawn(io_, server_->Stop(std::chrono::seconds(1)), Ended());
      thread_.join();
    }
    CommandTest::TearDown();
  }

  Pages pages_;
  std::function<net::HttpResponse(const net::HttpRequest&)> on_post_;
  std::string url_;

 private:
  static boost::asio::awaitable<net::HttpResponse> Answer(const ServedCommandTest* test,
                                                          net::HttpRequest request) {
    if (request.method == "POST") co_return test->on_post_(request);
    const auto page = test->pages_.find(request.target.substr(0, request.target.find('?')));
    co_return page == test->pages_.end() ? net::TextResponse(404, "no such page")
                                         : net::JsonResponse(200, WriteJson(page->second));
  }

  // For Run() and Stop(): the last one to end ends the thread.
  std::function<void(std::exception_ptr)> Ended() {
    return [this](std::exception_ptr) {
      if (++ended_ == 2) io_.stop();
    };
  }

  boost::asio::io_context io_{1};
  int ended_ = 0;
  std::unique_ptr<net::HttpServer> server_;
  std::thread thread_;
};

}  // namespace headroom::cli

// A test with the contract double and a client of it on one io_context.
#pragma once

#include <gtest/gtest.h>

#include "tests/kube/fake_api_server.h"
#include "tests/support/run_coro.h"

namespace headroom::kube {

class ApiTest : public ::testing::Test {
 protected:
  ApiTest() : api_(context_), tasks_(context_.get_executor(), net::TaskGroup::Mode::kIndependent) {
    client_ = ApiClient::Make(context_.get_executor(), api_.ClientConfig()).value();
  }
  void TearDown() override {
    tasks_.Cancel();
    test::RunCoro(context_, tasks_.Join());
    client_.reset();
    api_.Stop();
    test::RunCoro(context_, api_.Join());
  }

  template <class T>
  T Run(boost::asio::awaitable<T> task) {
    return test::RunCoro(context_, std::move(task));
  }
  // Runs everything that is spawned until `done` says so.
  void RunUntil(const std::function<bool()>& done,
                std::chrono::milliseconds limit = std::chrono::seconds(5)) {
    const auto end = std::chrono::steady_clock::now() + limit;
    context_.restart();
    while (!done()) {
      const auto now = std::chrono::steady_clock::now();
      if (now >= end || context_.run_one_for(end - now) == 0) {
        FAIL() << "did not happen within " << limit.count() << " ms";
      }
    }
  }

  boost::asio::io_context context_{1};
  FakeApiServer api_;
  std::unique_ptr<ApiClient> client_;
  net::TaskGroup tasks_;
};

}  // namespace headroom::kube

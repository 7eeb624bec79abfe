// Live: the page's server-sent events. Each open page gets the state of the machine and its models
// at once and then every interval, as one "state" event.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "common/json.h"
#include "common/result.h"
#include "net/http.h"

namespace headroom::exporter {

class Live {
 public:
  // A page holds a connection for as long as it is open; Prometheus must find one free.
  static constexpr int kMaxPages = 16;

  // `state` is asked for each event; an error is sent as a "problem" event with its text.
  Live(std::function<Result<Json>()> state, std::chrono::milliseconds interval);

  // 503 while kMaxPages are open.
  net::HttpResponse Open();

 private:
  class Stream;
  std::function<Result<Json>()> state_;
  std::chrono::milliseconds interval_;
  std::shared_ptr<int> open_ = std::make_shared<int>(0);  // outlived by streams that end later
};

}  // namespace headroom::exporter

// The routes: POST /validate and the pages around it. Thin: reads the clock, fetches the headers a
// decision asks for, and turns the decision into a response. Owns nothing it is given.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "net/http.h"
#include "net/http_server.h"
#include "webhook/header_cache.h"
#include "webhook/metrics.h"
#include "webhook/page/recent.h"
#include "webhook/rules.h"
#include "webhook/view.h"

namespace headroom::webhook {

// Time for our answer to a request with "?timeout=10s": a second before the API server gives up,
// because its own timeout shows only "context deadline exceeded". Absent or odd: 10 s assumed.
std::chrono::milliseconds AnswerTime(std::string_view timeout);

class Service {
 public:
  struct Parts {
    View& view;
    HeaderCache& headers;
    Metrics& metrics;
    RuleSettings rules;
    std::function<std::string()> missing;            // "" when ready to decide
    std::function<std::string()> unreachable;        // "" when the API server can call us
    std::function<std::vector<Sample>()> samples;    // of what others own
    std::function<void(const std::string&)> access;  // takes a line for each review; null = none
    size_t max_in_flight = 256;                      // more: 503
  };
  explicit Service(Parts parts) : parts_(std::move(parts)) {}

  boost::asio::awaitable<net::HttpResponse> Handle(const net::HttpRequest& request,
                                                   const net::RequestContext& context);
  void StartDraining() { draining_ = true; }  // /readyz says no from now on
  size_t in_flight() const { return in_flight_; }

 private:
  struct Handled;
  boost::asio::awaitable<net::HttpResponse> Validate(const net::HttpRequest& request,
                                                     const net::RequestContext& context,
                                                     std::string timeout);
  boost::asio::awaitable<net::HttpResponse> Answer(const net::HttpRequest& request,
                                                   std::string timeout, Handled& handled);
  boost::asio::awaitable<Decision> Decide(const Review& review, net::Deadline deadline);
  Decision JudgeNow(const Review& review, bool last);
  net::HttpResponse Ready() const;
  net::HttpResponse Expose() const;

  Parts parts_;
  RecentDecisions recent_;
  size_t in_flight_ = 0;
  bool draining_ = false;
};

}  // namespace headroom::webhook

#include "exporter/page/live.h"

#include "net/async.h"
#include "net/body_stream.h"

namespace headroom::exporter {

namespace asio = boost::asio;

class Live::Stream : public net::BodyStream {
 public:
  Stream(std::function<Result<Json>()> state, std::chrono::milliseconds interval,
         std::shared_ptr<int> open)
      : state_(std::move(state)), interval_(interval), open_(std::move(open)) {
    ++*open_;
  }
  ~Stream() override { --*open_; }

  asio::awaitable<std::optional<std::string>> Next() override {
    if (!first_) co_await net::SleepFor(interval_);
    first_ = false;
    const auto state = state_();
    if (!state) co_return "event: problem\ndata: " + WriteJson(state.error().message()) + "\n\n";
    co_return "event: state\ndata: " + WriteJson(*state) + "\n\n";
  }

 private:
  std::function<Result<Json>()> state_;
  std::chrono::milliseconds interval_;
  std::shared_ptr<int> open_;
  bool first_ = true;
};

Live::Live(std::function<Result<Json>()> state, std::chrono::milliseconds interval)
    : state_(std::move(state)), interval_(interval) {}

net::HttpResponse Live::Open() {
  if (*open_ >= kMaxPages) {
    return net::TextResponse(503, "too many pages are open; /memstats has the same figures");
  }
  net::HttpResponse response;
  response.headers.Set("Content-Type", "text/event-stream");
  response.headers.Set("Cache-Control", "no-store");
  response.stream = std::make_shared<Stream>(state_, interval_, open_);
  return response;
}

}  // namespace headroom::exporter

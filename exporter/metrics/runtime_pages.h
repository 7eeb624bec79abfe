// RuntimePages: what the model servers say of themselves (llama-server's /metrics), asked for while
// our own page is made. All are asked at once and waited for a moment only; one that has not
// answered by then is not waited for again until it does, so that a hung server costs one scrape
// its patience and no more. Its answer, when it comes, is shown on the next page, with its time.
// One thread; owned by the app, which joins Run().
#pragma once

#include <sys/types.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "exporter/metrics/series.h"
#include "net/async.h"
#include "net/http_client.h"
#include "net/task_group.h"

namespace headroom::exporter {

struct RuntimeTarget {
  std::string ns, name;
  pid_t pid = 0;  // another process is another target
  std::string host;
  uint16_t port = 0;
  std::string api_key{};  // "" = it asks for none
};

struct RuntimePagesOptions {
  std::chrono::milliseconds patience{250};  // of one of our pages, for all servers together
  std::chrono::milliseconds timeout{5'000};
  size_t max_page_bytes = 1u << 20;
};

class RuntimePages {
 public:
  explicit RuntimePages(boost::asio::any_io_executor executor, RuntimePagesOptions options = {});

  boost::asio::awaitable<void> Run();
  // Asks `targets`; what is known of others is forgotten.
  boost::asio::awaitable<void> Refresh(std::vector<RuntimeTarget> targets);
  std::vector<RuntimeSeries> Series() const;

 private:
  struct Page {
    RuntimeSeries series;
    bool asked = false;  // and not answered yet
    bool slow = false;   // its last answer came too late for the page that asked
    std::string problem;
  };
  boost::asio::awaitable<void> Ask(RuntimeTarget target);
  void Take(const RuntimeTarget& target, const Result<net::HttpResponse>& response,
            std::chrono::steady_clock::duration took);

  RuntimePagesOptions options_;
  net::HttpClient http_;
  net::TaskGroup tasks_;
  net::Notifier answered_;
  std::map<pid_t, Page> pages_;
};

}  // namespace headroom::exporter

// The frame around the collectors: runs them one after the other, times each, keeps one's failure
// from the others, and renders the page. Owned by main, used from its one thread.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/time.h"
#include "exporter/metrics/collector.h"

namespace headroom::exporter {

// Answered whatever Accept says: there is no other format here.
constexpr std::string_view kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

class Scraper {
 public:
  using Query = std::vector<std::pair<std::string, std::string>>;  // decoded URL query
  using Clock = std::function<SteadyTime()>;

  explicit Scraper(std::vector<std::unique_ptr<Collector>> collectors,
                   Clock clock = &std::chrono::steady_clock::now);

  // The page. `collect[]` (repeatable) takes only these collectors, `exclude[]` all but these;
  // other parameters are ignored. kInvalid (HTTP 400): both kinds, or a name no collector has.
  Result<std::string> Scrape(const Query& query);
  // Whether that page would have this collector's series: what it needs may be costly to get.
  bool Takes(const Query& query, std::string_view collector) const;

 private:
  Result<std::vector<Collector*>> Select(const Query& query) const;
  bool Run(Collector& collector, Families& page);

  std::vector<std::unique_ptr<Collector>> collectors_;
  Clock clock_;
  std::set<std::string, std::less<>> failing_;  // told once, not at each scrape
};

}  // namespace headroom::exporter

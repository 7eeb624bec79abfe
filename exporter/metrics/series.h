// What the rest of the exporter tells the metrics page and /memstats about itself: plain values,
// copied out of the supervisor and the watchdog at each scrape.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exporter/memory/sample.h"
#include "exporter/metrics/exposition.h"

namespace headroom::exporter {

// One model this node runs or wants to run. Sizes are bytes; nullopt while there is no process.
struct ModelSeries {
  std::string ns;
  std::string name;
  std::optional<uint64_t> footprint{};
  std::optional<uint64_t> footprint_peak{};
  std::optional<uint64_t> resident{};
  std::optional<uint64_t> estimated{};  // what was admitted
  bool up = false;                      // the process runs
  bool ready = false;                   // and answers /health
  uint64_t restarts = 0;
  std::optional<WallTime> started{};
  bool growing = false;                                  // towards more than it was admitted with
  std::optional<double> load_seconds{};                  // of the running process, once loaded
  std::optional<uint64_t> download{}, download_total{};  // while its file is fetched
};

// What models may take on this node (bytes).
struct NodeBudget {
  uint64_t budget = 0;
  uint64_t committed = 0;
  uint64_t headroom = 0;
  std::string source;  // "flag 0.80", "adaptive 0.67"
};

struct ServingSeries {
  std::vector<ModelSeries> models{};
  std::optional<NodeBudget> node{};
};

// What one model server says of itself.
struct RuntimeSeries {
  std::string ns, name;
  bool success = false;   // of the last request
  double duration = 0.0;  // seconds
  std::optional<WallTime> taken_at{};
  std::vector<ForeignFamily> families{};  // of `taken_at`
};

// Where the objects come from; see kube::FeedStatus.
struct FeedSeries {
  std::string kind;  // "Model"
  bool synced = false;
  uint64_t events = 0, relists = 0;
  WallTime last_contact{};  // the epoch = never
};

// Where the watchdog stands.
struct WatchdogSeries {
  Pressure level = Pressure::kUnknown;
  bool wired_high = false;
  bool wired_growing = false, swapping_out = false;  // see memory/trend.h
  std::optional<WallTime> last_sample{};             // the last one that worked
  uint64_t sample_errors = 0;
  uint64_t evictions = 0;
  // Reasons from a fixed list, each from the start on, so that a rate over them never jumps.
  std::vector<std::pair<std::string, uint64_t>> evictions_skipped{};
};

}  // namespace headroom::exporter

// Evictor: which model is stopped when memory is critical, and when it may come back. Fed one look
// of the watchdog at a time; a class without I/O. Rules: only where it is enabled, memory
// is critical, our models hold the majority of what is in use and more than one runs; lowest
// priority first, then the largest, then the oldest; one at a time, and the next only after the
// memory of the last had time to return. Never on a level that is unknown.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/backoff.h"
#include "common/time.h"
#include "exporter/memory/sample.h"

namespace headroom::exporter {

struct EvictionOptions {
  bool enabled = false;
  std::chrono::milliseconds settle{10'000};     // wired pages return slowly after a process ends
  std::chrono::milliseconds cool_down{60'000};  // doubles with each eviction of the same model
  std::chrono::milliseconds cool_down_max{1'800'000};
};

// Importance as the API names it: critical, high, normal, low, batch; anything else is normal.
int EvictionRank(std::string_view priority);  // larger = more important

struct EvictionModel {
  std::string key;
  int rank = 0;
  bool is_protected = false;
  bool stopping = false;
  uint64_t bytes = 0;  // what its process takes: max(footprint, resident, estimate)
  WallTime started{};
};

struct EvictionInput {
  Pressure level = Pressure::kUnknown;
  uint64_t total = 0, available = 0;     // bytes; of the same sample as the level
  std::vector<EvictionModel> running{};  // our models that have a process
  SteadyTime now{};
};

struct EvictionStep {
  std::string victim;        // key; "" = none
  std::string text;          // the numbers, for status, event and log
  std::string_view skipped;  // why nothing was stopped though memory is critical; "" = not so
  bool tell = false;         // `skipped` is news to people: not a matter of course, not told before
  std::string readmitted;    // key of one model that may try again; "" = none
};

struct EvictionCounts {
  uint64_t evictions = 0;
  // Each reason from the start on, so that a rate over it never jumps.
  std::vector<std::pair<std::string, uint64_t>> skipped;
};

class Evictor {
 public:
  explicit Evictor(EvictionOptions options);

  EvictionStep Look(const EvictionInput& input);
  // The model is gone for good.
  void Forget(const std::string& key) { evicted_.erase(key); }
  const EvictionCounts& counts() const { return counts_; }

 private:
  struct Evicted {
    int rank = 0;
    bool away = false;  // still held back
    SteadyTime until{};
    Backoff cool_down;
  };
  std::string_view Refusal(const EvictionInput& input) const;
  static const EvictionModel* Choose(const std::vector<EvictionModel>& running);
  void Evict(const EvictionInput& input, const EvictionModel& model, EvictionStep& step);
  std::string Readmit(const EvictionInput& input);

  EvictionOptions options_;
  EvictionCounts counts_;
  std::map<std::string, Evicted>
      evicted_;                     // by key; kept after the return, to double its next rest
  std::optional<SteadyTime> last_;  // eviction
  std::string_view told_;           // why nothing was stopped, in this time of critical memory
};

}  // namespace headroom::exporter

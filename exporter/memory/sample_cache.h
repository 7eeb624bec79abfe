// The last sample, shared by watchdog, scrape, publisher and web page. macOS hands third-party
// programs 2 to 10 real readings per second for the whole machine and stale copies after that, so
// nobody reads more often than once a second, and everybody who asks within it sees the same
// picture.
#pragma once

#include <chrono>
#include <functional>

#include "exporter/memory/provider.h"

namespace headroom::exporter {

class SampleCache {
 public:
  using Clock = std::function<SteadyTime()>;
  static constexpr std::chrono::milliseconds kMaxAge{1000};

  // `provider` outlives the cache.
  explicit SampleCache(MemoryProvider& provider, Clock clock = &std::chrono::steady_clock::now);

  // A reading not older than kMaxAge; a failed one is remembered for as long.
  const Result<MemorySample>& Get();
  // What the Metal probe found at `when` (limits, driver counts) goes into every sample from here
  // on.
  void SetProbe(GpuSample probe, WallTime when);

 private:
  MemoryProvider& provider_;
  Clock clock_;
  GpuSample probe_;
  Result<MemorySample> last_;
  SteadyTime read_at_{};
  bool read_ = false;
};

}  // namespace headroom::exporter

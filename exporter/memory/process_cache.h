// The memory of processes, read no more often than it is worth: on Linux the figure of a process
// costs a walk over its page tables (half a second for 50 GB of mapped weights), so a reading is
// good for a hundred times as long as it took, and at least for a second. Owned by the machine.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <vector>

#include "exporter/memory/provider.h"

namespace headroom::exporter {

class ProcessCache {
 public:
  using Clock = std::function<SteadyTime()>;
  static constexpr std::chrono::milliseconds kMinAge{1000};
  static constexpr int kCostFactor = 100;

  // `provider` outlives the cache.
  explicit ProcessCache(MemoryProvider& provider, Clock clock = &std::chrono::steady_clock::now);

  Result<ProcessMemory> Get(pid_t pid);
  // Forgets all but these: a pid may come back as another process.
  void Keep(const std::vector<pid_t>& pids);

 private:
  struct Reading {
    Result<ProcessMemory> memory;
    SteadyTime good_until;
  };
  MemoryProvider& provider_;
  Clock clock_;
  std::map<pid_t, Reading> readings_;
};

}  // namespace headroom::exporter

#include "exporter/memory/process_cache.h"

#include <algorithm>
#include <utility>

namespace headroom::exporter {

ProcessCache::ProcessCache(MemoryProvider& provider, Clock clock)
    : provider_(provider), clock_(std::move(clock)) {}

Result<ProcessMemory> ProcessCache::Get(pid_t pid) {
  const SteadyTime begin = clock_();
  const auto known = readings_.find(pid);
  if (known != readings_.end() && begin < known->second.good_until) return known->second.memory;
  auto memory = provider_.SampleProcess(pid);
  const SteadyTime end = clock_();
  const auto age = std::max<SteadyTime::duration>(kMinAge, (end - begin) * kCostFactor);
  readings_.insert_or_assign(pid, Reading{memory, end + age});
  return memory;
}

void ProcessCache::Keep(const std::vector<pid_t>& pids) {
  std::erase_if(readings_, [&pids](const auto& reading) {
    return std::find(pids.begin(), pids.end(), reading.first) == pids.end();
  });
}

}  // namespace headroom::exporter

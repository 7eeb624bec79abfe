#include "exporter/memory/sample_cache.h"

#include <utility>

#include "exporter/memory/metal_probe.h"

namespace headroom::exporter {

SampleCache::SampleCache(MemoryProvider& provider, Clock clock)
    : provider_(provider),
      clock_(std::move(clock)),
      last_(Error(Code::kUnavailable, "memory: not sampled yet")) {}

const Result<MemorySample>& SampleCache::Get() {
  const SteadyTime now = clock_();
  if (read_ && now - read_at_ < kMaxAge) return last_;
  last_ = provider_.Sample();
  if (last_) MergeProbe(probe_, *last_);
  read_ = true;
  read_at_ = now;
  return last_;
}

void SampleCache::SetProbe(GpuSample probe, WallTime when) {
  probe_ = std::move(probe);
  probe_.probed_at = when;
  if (read_ && last_) MergeProbe(probe_, *last_);
}

}  // namespace headroom::exporter

// /memstats: the same figures as the metrics page in the shape a picture of memory needs, as parts
// that add up to the machine.
#pragma once

#include <cstdint>
#include <vector>

#include "common/json.h"
#include "exporter/metrics/series.h"

namespace headroom::exporter {

// Bytes; the sum of all is exactly the machine's memory, whatever the sample says.
struct MemoryParts {
  uint64_t wired = 0;        // kernel and locked memory, models excluded
  uint64_t models = 0;       // the llama-servers we run, by max(footprint, resident)
  uint64_t other = 0;        // everybody else's memory
  uint64_t compressed = 0;   // held by the compressor
  uint64_t reclaimable = 0;  // file cache and purgeable
  uint64_t free = 0;
  uint64_t reserved = 0;  // not accounted for: firmware, kernel structures
};

// The system does not say in which kind of page a process's memory is, so the models' share is
// taken out where it most likely lies: wired memory beyond what the kernel needs, then anonymous
// memory, then file cache and compressor.
MemoryParts SplitMemory(const MemorySample& sample, const std::vector<ModelSeries>& models);

struct MemstatsInput {
  MemorySample sample;
  Pressure pressure = Pressure::kUnknown;
  HostInfo host;
  ServingSeries serving;
};

Json MemstatsJson(const MemstatsInput& input);

}  // namespace headroom::exporter

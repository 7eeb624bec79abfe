// What this node publishes about itself: a memory sample and the exporter's settings as the
// estimator's NodeCapacity. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "common/result.h"
#include "estimator/budget.h"
#include "exporter/memory/sample.h"

namespace headroom::exporter {

struct CapacitySettings {
  std::string node_name;
  std::string budget;           // --memory-budget or --memory-fraction as given; "" = adaptive
  std::string runtime_version;  // of the installed llama-server, "" = none found
  std::string metrics_address;
};

// `committed` are the footprints of the models bound to this node. Errors: a budget that cannot be
// resolved against this machine's memory.
Result<estimator::NodeCapacity> MakeCapacity(const MemorySample& sample, Pressure level,
                                             uint64_t committed, const CapacitySettings& settings);

}  // namespace headroom::exporter

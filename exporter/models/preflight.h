// The verdict for one workload on this node: the decision and the text the webhook gives, made on
// the real file. Pure.
#pragma once

#include <optional>
#include <vector>

#include "estimator/verdict.h"
#include "kube/workload.h"
#include "sources/header_source.h"

namespace headroom::exporter {

struct PreflightInput {
  const kube::Workload* workload = nullptr;  // borrowed for the call
  // Borrowed for the call; nullptr = a server that is not estimated.
  const sources::ModelHeader* header = nullptr;
  std::optional<uint64_t> declared;  // of such a server, where no memoryBudget says it
  estimator::ServingOptions serving;
  estimator::NodeCapacity node;                // as it is now
  std::vector<estimator::Occupant> occupants;  // without this workload
  WallTime now;
};

// Memory that other processes use now is a hard limit here.
estimator::Verdict Preflight(const PreflightInput& input);

// The serving options this node launches with: what the manifest says, on this node's accelerator,
// llama.cpp version and projector file.
Result<estimator::ServingOptions> NodeServing(const kube::Workload& workload,
                                              const std::string& accelerator,
                                              const std::string& runtime_version,
                                              uint64_t mmproj_bytes);

}  // namespace headroom::exporter

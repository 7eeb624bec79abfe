// The llama-server command line of a workload. Pure. Whatever decides the footprint (context,
// slots, cache types, batches, prompt cache, checkpoints, --fit off) is always said explicitly, so
// that the server cannot take more than was admitted; arguments the installed version does not know
// are left out. Fields: LLMKube's mapping for Metal nodes, docs/node.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/json.h"
#include "common/result.h"
#include "estimator/serving.h"
#include "exporter/models/runtime.h"
#include "kube/workload.h"

namespace headroom::exporter {

struct LaunchInput {
  const Runtime* runtime = nullptr;  // borrowed for the call
  const kube::Workload* workload = nullptr;
  // The serving fields as written (Model.spec.serving or InferenceService.spec), for those that
  // cannot be honoured; those that can are in `workload`.
  Json fields;
  estimator::ServingOptions serving;  // what was admitted
  std::string model_path, mmproj_path;
  std::string host = "127.0.0.1";
  uint16_t port = 0;
};

struct LaunchPlan {
  std::vector<std::string> arguments;
  // One line per field that has no effect here: "spec.speculativeDecoding: …".
  std::vector<std::string> not_honoured;
  // Changes exactly when the server must be restarted: everything but the port.
  std::string identity;
};

// Errors (kInvalid) are for the operator: an extra argument this llama-server does not have.
Result<LaunchPlan> PlanLaunch(const LaunchInput& input);

}  // namespace headroom::exporter

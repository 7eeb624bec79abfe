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
  // As written, for what cannot be honoured (unhonoured.h); what can is in `workload`.
  Json fields;                        // Model.spec.serving or InferenceService.spec
  Json model_fields;                  // Model.spec
  estimator::ServingOptions serving;  // what was admitted
  std::string model_path, mmproj_path;
  std::string host = "127.0.0.1";
  uint16_t port = 0;
};

struct LaunchPlan {
  std::string executable;  // "" = not known yet
  std::vector<std::string> arguments;
  std::vector<std::string> environment{};  // NAME=VALUE
  // One line per field that has no effect here: "spec.speculativeDecoding: …".
  std::vector<std::string> not_honoured;
  // Changes exactly when the server must be restarted: with the arguments, the file, or the port
  // that is asked for; not with the one it happened to get.
  std::string identity;
};

// A short name for a list of words, the same in every build and run.
std::string LaunchDigest(const std::vector<std::string>& words);

// Errors (kInvalid) are for the operator: an extra argument this llama-server does not have.
Result<LaunchPlan> PlanLaunch(const LaunchInput& input);

}  // namespace headroom::exporter

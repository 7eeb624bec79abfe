// Model and InferenceService out of a name, a source and a few wishes, in fields that LLMKube's
// CRDs have too. Pure.
#pragma once

#include <string>
#include <vector>

#include "common/json.h"
#include "common/result.h"
#include "estimator/verdict.h"

namespace headroom::cli {

struct Deployment {
  std::string name = {}, ns = "default", source = {};
  std::string node = {};  // "" = any that fits
  std::string memory_fraction = {}, memory_budget = {};
  std::string cache_type_k = {}, cache_type_v = {};  // "" = llama-server's default
  std::string sha256 = {}, mmproj = {};
  int context = 0, parallel = 0;  // 0 = not said
  int cache_ram = -2;             // MiB; -1 no limit, -2 = not said
};

// Errors name the flag: what no manifest may hold.
Result<void> CheckDeployment(const Deployment& deployment);
// The Model first.
std::vector<Json> DeploymentObjects(const Deployment& deployment);

// "Error: insufficient memory for NAME (QUANT)", requirement, available budget and suggestions; the
// whole denial where memory is not what is missing.
std::string RefusalText(const estimator::Verdict& verdict, const std::string& name,
                        const std::string& quantization);

}  // namespace headroom::cli

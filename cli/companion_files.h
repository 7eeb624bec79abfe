// Reads what a llama-server command line loads beside the model, for the estimate.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "estimator/model.h"
#include "estimator/serving_command.h"

namespace headroom::cli {

struct Companions {
  std::optional<estimator::ModelFile> draft = {};
  std::vector<std::string> warnings = {};
};

// Adds the sizes of projector and adapters to `serving`. Errors name option and file.
Result<Companions> ReadCompanions(const std::vector<estimator::Companion>& files,
                                  const estimator::ModelFile& model,
                                  estimator::ServingOptions& serving);

}  // namespace headroom::cli

// The flags that describe how a model is served, the same for every command that estimates.
#pragma once

#include "common/flags.h"
#include "estimator/serving.h"

namespace headroom::cli {

// Binds --context, --parallel, --cache-type-k … to `options`, which must outlive Parse().
void AddServingFlags(Flags& flags, estimator::ServingOptions& options);

}  // namespace headroom::cli

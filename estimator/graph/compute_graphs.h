// The entry to the tables: which one serves a context, if any.
#pragma once

#include <string_view>

#include "estimator/graph/replay.h"

namespace headroom::estimator {

// The table file of a llama.cpp version ("0.6.0"), compiled in; empty if there is none.
std::string_view GraphTableOf(std::string_view version);

// Compute buffers of `model` served as `shape` by `version`. Errors: kNotFound without a table for
// the version, architecture or configuration; kUnsupported if the table does not fit the model.
Result<ReplayedCompute> ReplayCompute(const ModelFile& model, const Shape& shape,
                                      std::string_view version);

}  // namespace headroom::estimator

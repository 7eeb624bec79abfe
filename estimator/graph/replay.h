// Compute buffers byte for byte: the symbolic graph of a model's architecture, made numbers for
// the context at hand, played through a copy of ggml's allocator.
#pragma once

#include "estimator/graph/table.h"
#include "estimator/memory/compute.h"

namespace headroom::estimator {

struct ReplayedCompute {
  ComputeBytes bytes = {};
  bool exact = false;  // else of a model of another structure or number of layers
};

// Peak of each buffer over the graphs of the table. Errors (kUnsupported): the table does not fit
// this model (a number the header lacks, a size that is no whole number).
Result<ReplayedCompute> ReplayGraphs(const GraphTable& table, const ModelFile& model,
                                     const Shape& shape);

}  // namespace headroom::estimator

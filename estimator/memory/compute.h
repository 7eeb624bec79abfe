// Compute buffers by closed form: the largest of the moments at which llama.cpp's worst-case prompt
// graph holds most, found by measuring llama.cpp 0.5.0 and 0.6.0. Approximate; see docs.
#pragma once

#include "estimator/memory/shape.h"

namespace headroom::estimator {

struct ComputeBytes {
  uint64_t device = 0, host = 0;
};

// `graph_inputs`: since 0.6.0 the graph holds both token and embedding inputs.
ComputeBytes ClosedFormCompute(const ModelFile& model, const Shape& shape, bool graph_inputs);

}  // namespace headroom::estimator

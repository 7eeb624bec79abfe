// Compute buffers as an upper bound, for models whose graph nobody here knows.
#pragma once

#include "estimator/memory/compute.h"
#include "estimator/memory/shape.h"

namespace headroom::estimator {

// At least what llama.cpp 0.5.0 and 0.6.0 reserve for any of their architectures with the same
// hyper-parameters: every intermediate that some graph holds is taken as alive at the same time.
// Two to three times the truth is normal.
ComputeBytes BoundCompute(const ModelFile& model, const Shape& shape);

}  // namespace headroom::estimator

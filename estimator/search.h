// Searches over serving options for what fits a number of bytes. Pure, a few dozen estimates each.
#pragma once

#include <cstdint>
#include <optional>

#include "estimator/footprint.h"

namespace headroom::estimator {

// The largest context (a multiple of 256, at most the training context, all slots together) whose
// footprint is at most `budget_bytes`; nullopt if not even 256 fits or llama.cpp refuses the
// options.
std::optional<uint32_t> LargestContext(const ModelFile& model, const ServingOptions& options,
                                       uint64_t budget_bytes);

// The largest file of the same model (other quantisation) that would fit with these options; 0 when
// everything but the weights is too large already.
uint64_t LargestWeights(const ModelFile& model, const ServingOptions& options,
                        uint64_t budget_bytes);

}  // namespace headroom::estimator

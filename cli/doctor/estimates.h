// Does our estimate agree with the llama.cpp that is installed? llama-fit-params, which comes with
// it, makes the buffers of a model without allocating them and prints their sizes. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/doctor/findings.h"
#include "common/result.h"
#include "estimator/footprint.h"

namespace headroom::cli {

// What `llama-fit-params --fit-print on` prints: a line "DEVICE MODEL CONTEXT COMPUTE" for each
// device and for the host, each size rounded down to a MiB (tools/fit-params of llama.cpp).
struct FitPrint {
  uint64_t least_bytes = 0;  // the sum of all sizes
  uint64_t most_bytes = 0;   // the sum before each was rounded down
};
Result<FitPrint> ParseFitPrint(std::string_view text);

// The same sum of ours: weights, caches and compute buffers, without the output buffer.
uint64_t ComparableBytes(const estimator::Footprint& footprint);

// `comparison` as a finding. An estimate may be 1.5 % above and 0.5 % below what llama.cpp says.
Finding JudgeComparison(const ComparedEstimate& comparison);

}  // namespace headroom::cli

#include "estimator/search.h"

#include <algorithm>

#include "common/checked.h"

namespace headroom::estimator {
namespace {

constexpr uint32_t kStep = 256;  // llama.cpp rounds contexts up to it

std::optional<uint64_t> FootprintAt(const ModelFile& model, ServingOptions options,
                                    uint32_t steps) {
  options.context = steps * kStep;
  const auto footprint = Estimate(model, options);
  if (!footprint) return std::nullopt;
  return footprint->footprint_bytes;
}

}  // namespace

std::optional<uint32_t> LargestContext(const ModelFile& model, const ServingOptions& options,
                                       uint64_t budget_bytes) {
  const uint32_t trained = model.hyper.context_train;
  uint32_t low = 1, high = std::max<uint32_t>(trained / kStep, 1);
  const auto smallest = FootprintAt(model, options, low);
  if (!smallest || *smallest > budget_bytes) return std::nullopt;
  while (low < high) {  // invariant: low fits
    const uint32_t middle = low + (high - low + 1) / 2;
    const auto bytes = FootprintAt(model, options, middle);
    if (bytes && *bytes <= budget_bytes) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low * kStep;
}

uint64_t LargestWeights(const ModelFile& model, const ServingOptions& options,
                        uint64_t budget_bytes) {
  const auto footprint = Estimate(model, options);
  if (!footprint) return 0;
  const uint64_t rest = SaturatingSub(footprint->footprint_bytes, footprint->resident_weights);
  return SaturatingSub(budget_bytes, rest);
}

}  // namespace headroom::estimator

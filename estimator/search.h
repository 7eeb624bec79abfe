// Searches over serving options for what fits a number of bytes. Pure. Each search bisects, so that
// it needs few estimates (kSearchLimit at most for all of them together) and a larger budget never
// gets a smaller answer; every answer has been estimated itself and fits.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "estimator/footprint.h"

namespace headroom::estimator {

// What a set of options takes; nullopt when llama.cpp refuses it.
using FootprintOf = std::function<std::optional<uint64_t>(const ServingOptions&)>;
FootprintOf FootprintOfModel(const ModelFile& model);

// The largest context (a multiple of 256, at most the training context, all slots together) whose
// footprint is at most `budget_bytes`; nullopt if not even 256 fits or llama.cpp refuses the
// options.
std::optional<uint32_t> LargestContext(const ModelFile& model, const ServingOptions& options,
                                       uint64_t budget_bytes);
std::optional<uint32_t> LargestContext(const FootprintOf& footprint, uint32_t context_train,
                                       const ServingOptions& options, uint64_t budget_bytes);

// The most slots (up to 256) at the context of `options`: shared by all slots when the cache is
// unified, else as much for each slot as it is now.
std::optional<uint32_t> MostSlots(const FootprintOf& footprint, uint32_t context_train,
                                  const ServingOptions& options, uint64_t budget_bytes);

// The largest power of two up to the present ubatch, at least 32.
std::optional<uint32_t> LargestUbatch(const FootprintOf& footprint, const ServingOptions& options,
                                      uint64_t budget_bytes);

// The widest cache type, for K and V alike, that is no wider than the present ones.
std::optional<std::string> WidestCacheType(const FootprintOf& footprint,
                                           const ServingOptions& options, uint64_t budget_bytes);

// The largest file of the same model (other quantisation) that would fit with these options; 0 when
// everything but the weights is too large already.
uint64_t LargestWeights(const ModelFile& model, const ServingOptions& options,
                        uint64_t budget_bytes);

// A quantisation of the same model and about how large its file is: from its bits a weight as
// llama-quantize prints them for an 8B model, which differ by some percent between models.
struct Quantisation {
  std::string_view name;
  uint64_t file_bytes = 0;
};
// The best one that is smaller than the present file and at most `weights_bytes`.
std::optional<Quantisation> BestQuantisation(const ModelFile& model, uint64_t weights_bytes);

// All answers for one budget: what `headroom estimate --budget` prints.
struct Fits {
  std::optional<uint32_t> context = {}, slots = {}, ubatch = {};
  std::optional<std::string> cache_type = {};
  std::optional<Quantisation> quantisation = {};
};
Fits FindFits(const ModelFile& model, const ServingOptions& options, uint64_t budget_bytes);
inline constexpr int kSearchLimit = 45;

}  // namespace headroom::estimator

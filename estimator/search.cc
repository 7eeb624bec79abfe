#include "estimator/search.h"

#include <algorithm>

#include "common/checked.h"
#include "estimator/gguf/ggml_type.h"

namespace headroom::estimator {
namespace {

constexpr uint32_t kStep = 256;  // llama.cpp rounds contexts up to it

// The largest n in [low, high] with `fits(n)`, which is taken to hold up to some n and not beyond.
// Where it is not so (best-fit allocation can be a little smaller for more tokens) the answer is
// still one that fits, and its successor does not.
template <class Fits>
std::optional<uint32_t> Bisect(uint32_t low, uint32_t high, const Fits& fits) {
  if (low > high || !fits(low)) return std::nullopt;
  while (low < high) {  // invariant: low fits
    const uint32_t middle = low + (high - low + 1) / 2;
    if (fits(middle)) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

// Sizes an element: widest first.
constexpr std::string_view kCacheTypes[] = {"f32",  "f16",  "bf16", "q8_0",  "q5_1",
                                            "q5_0", "q4_1", "q4_0", "iq4_nl"};

uint64_t BytesOf256(std::string_view type) {
  const GgmlType* found = FindGgmlType(type);
  return found == nullptr ? UINT64_MAX : 256 / found->block_elements * found->block_bytes;
}

struct BitsPerWeight {
  std::string_view name;
  double bits;
};
// From tools/quantize/README.md of llama.cpp, widest first.
constexpr BitsPerWeight kQuantisations[] = {
    {"F16", 16.0},    {"Q8_0", 8.50},    {"Q6_K", 6.56},    {"Q5_K_M", 5.70}, {"Q5_K_S", 5.57},
    {"Q4_K_M", 4.89}, {"Q4_K_S", 4.67},  {"IQ4_XS", 4.46},  {"Q3_K_L", 4.31}, {"Q3_K_M", 4.00},
    {"IQ3_M", 3.76},  {"Q3_K_S", 3.64},  {"IQ3_XXS", 3.25}, {"Q2_K", 3.17},   {"IQ2_M", 2.93},
    {"IQ2_XS", 2.59}, {"IQ2_XXS", 2.38}, {"IQ1_M", 2.15},   {"IQ1_S", 2.00}};

}  // namespace

FootprintOf FootprintOfModel(const ModelFile& model) {
  return [&model](const ServingOptions& options) -> std::optional<uint64_t> {
    const auto footprint = Estimate(model, options);
    if (!footprint) return std::nullopt;
    return footprint->footprint_bytes;
  };
}

std::optional<uint32_t> LargestContext(const FootprintOf& footprint, uint32_t context_train,
                                       const ServingOptions& options, uint64_t budget_bytes) {
  const auto steps =
      Bisect(1, std::max<uint32_t>(context_train / kStep, 1), [&](uint32_t candidate) {
        ServingOptions tried = options;
        tried.context = candidate * kStep;
        const auto bytes = footprint(tried);
        return bytes && *bytes <= budget_bytes;
      });
  if (!steps) return std::nullopt;
  return *steps * kStep;
}

std::optional<uint32_t> LargestContext(const ModelFile& model, const ServingOptions& options,
                                       uint64_t budget_bytes) {
  return LargestContext(FootprintOfModel(model), model.hyper.context_train, options, budget_bytes);
}

std::optional<uint32_t> MostSlots(const FootprintOf& footprint, uint32_t context_train,
                                  const ServingOptions& options, uint64_t budget_bytes) {
  constexpr uint32_t kMaxSlots = 256;  // LLAMA_MAX_SEQ
  const bool unified = options.Unified();
  const uint64_t all = options.context != 0 ? options.context : context_train;
  const uint64_t each = std::max<uint64_t>(all / options.Slots(), 1);
  return Bisect(1, kMaxSlots, [&](uint32_t slots) {
    ServingOptions tried = options;
    tried.parallel = slots;
    tried.kv_unified = unified;
    tried.context =
        static_cast<uint32_t>(std::min<uint64_t>(unified ? all : each * slots, UINT32_MAX));
    const auto bytes = footprint(tried);
    return bytes && *bytes <= budget_bytes;
  });
}

std::optional<uint32_t> LargestUbatch(const FootprintOf& footprint, const ServingOptions& options,
                                      uint64_t budget_bytes) {
  constexpr uint32_t kSmallest = 32, kLargest = 1u << 16;
  const uint32_t present = std::min(options.ubatch == 0 ? options.batch : options.ubatch, kLargest);
  std::vector<uint32_t> sizes = {present};
  for (uint32_t power = kLargest; power >= kSmallest; power /= 2) {
    if (power < present) sizes.push_back(power);
  }
  for (uint32_t size : sizes) {
    ServingOptions tried = options;
    tried.ubatch = size;
    const auto bytes = footprint(tried);
    if (bytes && *bytes <= budget_bytes) return size;
  }
  return std::nullopt;
}

std::optional<std::string> WidestCacheType(const FootprintOf& footprint,
                                           const ServingOptions& options, uint64_t budget_bytes) {
  const uint64_t widest =
      std::min(BytesOf256(options.cache_type_k), BytesOf256(options.cache_type_v));
  uint64_t last = UINT64_MAX;
  for (std::string_view type : kCacheTypes) {
    const uint64_t size = BytesOf256(type);
    if (size > widest || size == last) continue;  // of equal sizes the first is as good
    last = size;
    ServingOptions tried = options;
    tried.cache_type_k = tried.cache_type_v = type;
    const auto bytes = footprint(tried);
    if (bytes && *bytes <= budget_bytes) return std::string(type);
  }
  return std::nullopt;
}

uint64_t LargestWeights(const ModelFile& model, const ServingOptions& options,
                        uint64_t budget_bytes) {
  const auto footprint = Estimate(model, options);
  if (!footprint) return 0;
  const uint64_t rest = SaturatingSub(footprint->footprint_bytes, footprint->resident_weights);
  return SaturatingSub(budget_bytes, rest);
}

std::optional<Quantisation> BestQuantisation(const ModelFile& model, uint64_t weights_bytes) {
  for (const BitsPerWeight& one : kQuantisations) {
    const double bytes = one.bits / 8 * static_cast<double>(model.tensors.parameters);
    if (bytes > static_cast<double>(weights_bytes)) continue;
    if (bytes >= static_cast<double>(model.file_bytes)) continue;
    return Quantisation{one.name, static_cast<uint64_t>(bytes)};
  }
  return std::nullopt;
}

Fits FindFits(const ModelFile& model, const ServingOptions& options, uint64_t budget_bytes) {
  const FootprintOf footprint = FootprintOfModel(model);
  const uint32_t trained = model.hyper.context_train;
  Fits fits;
  fits.context = LargestContext(footprint, trained, options, budget_bytes);
  fits.slots = MostSlots(footprint, trained, options, budget_bytes);
  fits.ubatch = LargestUbatch(footprint, options, budget_bytes);
  fits.cache_type = WidestCacheType(footprint, options, budget_bytes);
  fits.quantisation = BestQuantisation(model, LargestWeights(model, options, budget_bytes));
  return fits;
}

}  // namespace headroom::estimator

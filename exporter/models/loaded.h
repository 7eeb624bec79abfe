// What llama-server says it has loaded (/props), against what was admitted. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.h"
#include "estimator/serving.h"

namespace headroom::exporter {

struct Loaded {
  uint64_t context = 0;  // tokens a slot
  uint64_t slots = 0;
};

// Errors: no /props of a llama-server.
Result<Loaded> ParseProps(std::string_view body);

// "serves 8192 tokens a slot where 4096 were admitted, ..."; "" where it is as admitted. llama.cpp
// rounds a slot's context up to a multiple of 256.
std::string DifferenceFrom(const estimator::ServingOptions& admitted, const Loaded& loaded);

}  // namespace headroom::exporter

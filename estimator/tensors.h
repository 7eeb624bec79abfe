// Where llama.cpp puts each tensor, as byte sums.
#pragma once

#include <string_view>
#include <vector>

#include "estimator/model.h"

namespace headroom::estimator {

// `loaded_layers`: tensors of "blk.N." with N at or above it are skipped (NextN layers).
TensorBytes SumTensors(const std::vector<GgufHeader>& parts, std::string_view architecture,
                       uint32_t loaded_layers);

// N of "blk.N.rest"; nullopt for any other name.
std::optional<uint32_t> LayerOfTensor(std::string_view name);

}  // namespace headroom::estimator

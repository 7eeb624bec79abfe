// The values of the names that graph expressions are written in: hyper-parameters of a model and
// quantities of a context. Same names as estimator/tables/symbols.py.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "estimator/gguf/header.h"
#include "estimator/graph/table.h"
#include "estimator/memory/shape.h"

namespace headroom::estimator {

// Every integer of the architecture's metadata (of an array the largest), the sizes llama.cpp takes
// where the header has none, and some that its code derives. Sorted by key.
std::vector<ModelSymbol> CollectSymbols(const GgufHeader& header, const std::string& architecture,
                                        uint64_t vocabulary);

// nullptr if the model has no such number.
const uint64_t* FindSymbol(const std::vector<ModelSymbol>& symbols, uint64_t key);

std::array<uint64_t, kQuantityCount> Quantities(const ModelFile& model, const Shape& shape);

}  // namespace headroom::estimator

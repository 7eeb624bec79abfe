// What decides which nodes a graph has, apart from the configuration: the tensors of the file and a
// few switches of the metadata. A table says for which structures it was made; a model of another
// one is not estimated from it.
#pragma once

#include <cstdint>
#include <vector>

#include "estimator/gguf/header.h"
#include "estimator/model.h"

namespace headroom::estimator {

// Uses hyper, layers, symbols and architecture of `model`.
GraphStructure DescribeStructure(const std::vector<GgufHeader>& parts, const ModelFile& model);

}  // namespace headroom::estimator

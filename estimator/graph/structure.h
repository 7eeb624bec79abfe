// What decides which nodes a graph has, apart from the configuration: the tensors of the file and a
// few switches of the metadata. A table says for which structures it was made; a model of another
// one is not estimated from it. estimator/tables/structure.py computes the same.
#pragma once

#include <cstdint>
#include <vector>

#include "estimator/gguf/header.h"
#include "estimator/model.h"

namespace headroom::estimator {

// `layers`: those that are loaded. Uses hyper, symbols and architecture of `model`.
GraphStructure DescribeStructure(const std::vector<GgufHeader>& parts, const ModelFile& model,
                                 uint32_t layers);

}  // namespace headroom::estimator

// A symbolic graph laid out for the layers of one model: every tensor in the order of allocation.
#pragma once

#include "estimator/graph/table.h"

namespace headroom::estimator {

struct UnfoldedTensor {
  uint32_t token = 0;  // in GraphTable::tokens
  // In UnfoldedGraph::references, as those of the token.
  uint32_t first_parent = 0, parent_count = 0;
  uint32_t first_use = 0, use_count = 0;
};

struct UnfoldedGraph {
  std::vector<UnfoldedTensor> tensors = {};
  std::vector<uint32_t> references = {};  // tensors that stand before the one that refers to them
  bool complete = false;                  // else the table does not know the context of some layer,
                                          // which is left out
};

// Errors (kUnsupported): a reference leaves the graph, or the table knows none of the layers.
Result<UnfoldedGraph> Unfold(const GraphTable& table, const SymbolicGraph& graph,
                             const GraphStructure& structure);

}  // namespace headroom::estimator

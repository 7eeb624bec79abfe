// The numbers of a symbolic graph for one model and context.
#pragma once

#include <vector>

#include "estimator/graph/table.h"
#include "estimator/memory/shape.h"

namespace headroom::estimator {

// What decides whether a tensor may take over another's memory, and what it occupies.
struct TensorLayout {
  const GgmlType* type = nullptr;
  std::array<uint64_t, 4> dims = {};
  std::array<uint64_t, 3> strides = {};  // bytes
  uint64_t bytes = 0;
  bool SameAs(const TensorLayout& other) const {
    return type == other.type && dims == other.dims && strides == other.strides;
  }
};

struct GraphSizes {
  std::vector<TensorLayout> shapes = {};  // as GraphTable::shapes
  std::vector<uint64_t> tokens = {};      // bytes to allocate, as GraphTable::tokens
};

// Errors (kUnsupported): an expression that has no whole, non-negative value for this model.
Result<GraphSizes> EvaluateSizes(const GraphTable& table, const ModelFile& model,
                                 const Shape& shape);

}  // namespace headroom::estimator

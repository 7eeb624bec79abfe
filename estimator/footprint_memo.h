// Footprints of one model that have been estimated before: admission asks for the same few sets of
// options again and again (an edit, its neighbours, each node of one kind), and an estimate replays
// a whole graph.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "estimator/footprint.h"

namespace headroom::estimator {

class FootprintMemo {
 public:
  // Of that many sets of options the answer is kept, those of the last ones.
  static constexpr size_t kMost = 16;

  explicit FootprintMemo(const ModelFile& model) : model_(&model) {}  // which outlives this

  // Estimate(), or what it answered before; valid until the next call.
  const Result<Footprint>& For(const ServingOptions& options);

 private:
  const ModelFile* model_;
  size_t next_ = 0;  // the place that is given away next
  std::vector<std::pair<ServingOptions, Result<Footprint>>> known_;
};

}  // namespace headroom::estimator

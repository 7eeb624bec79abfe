// An estimate as people read it: the parts and their sums, and how it grows with the context.
#pragma once

#include <ostream>
#include <string>

#include "estimator/footprint.h"

namespace headroom::cli {

struct EstimateView {
  const std::string& source;
  const estimator::ModelFile& model;
  const estimator::ServingOptions& serving;
  const estimator::Footprint& footprint;
  bool color = false;  // a terminal reads it
};

// `wide` adds where each part lies, and exact bytes.
void PrintParts(std::ostream& out, const EstimateView& view, bool wide);

// One line a context size, with a bar; `budget` 0 = none, else lines above it are marked.
void PrintContexts(std::ostream& out, const EstimateView& view, uint64_t budget);

}  // namespace headroom::cli

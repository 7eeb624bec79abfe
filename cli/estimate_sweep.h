// `--sweep context,cache-type`: the same model over a grid of serving options.
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "common/json.h"
#include "estimator/footprint.h"

namespace headroom::cli {

struct Sweep {
  // Each step of an axis: what it is called and the options with it.
  struct Step {
    std::string name;
    estimator::ServingOptions serving;
  };
  struct Cell {
    std::string row, column;  // column "" with one axis
    Result<estimator::Footprint> footprint;
  };
  std::string row_axis, column_axis;
  std::vector<Cell> cells;  // row by row
};

// `axes`: one or two of context, cache-type, parallel, ubatch, between commas. Errors name --sweep.
Result<Sweep> RunSweep(const estimator::ModelFile& model, const estimator::ServingOptions& serving,
                       const std::string& axes);

// Whether `axes` can be swept, to be said before a model is read.
Result<void> CheckSweepAxes(const std::string& axes);

// A cell above the budget is marked with '!', one that llama.cpp refuses is "-".
void PrintSweep(std::ostream& out, const Sweep& sweep, std::optional<uint64_t> budget, bool color);
Json ToJson(const Sweep& sweep, std::optional<uint64_t> budget);

// Context sizes worth showing: powers of two from 2048 to the training context, and the model's
// own.
std::vector<uint32_t> ContextSteps(const estimator::ModelFile& model, uint32_t present);

}  // namespace headroom::cli

// The budget an estimate is held against: --budget, or what a node grants.
#pragma once

#include <optional>
#include <string>

#include "cli/node_lookup.h"
#include "common/flags.h"
#include "common/json.h"
#include "estimator/search.h"

namespace headroom::cli {

struct BudgetFlags {
  std::string budget, node, memory_fraction;
  NodePlace place = {};
};
void AddBudgetFlags(Flags& flags, BudgetFlags& out);

struct BudgetView {
  uint64_t bytes = 0;           // what the model may take
  std::string derivation = {};  // "node m: 48.0 total x 0.75 = 36.0, less 5.1 committed"
  std::optional<estimator::NodeCapacity> node = {};
};

// nullopt when no budget was asked for. A node's version and device replace those in `serving`
// unless they were given. Errors name the flag.
Result<std::optional<BudgetView>> ResolveBudgetFlags(const BudgetFlags& flags,
                                                     estimator::ServingOptions& serving);

// Whether a model fits, and what would.
struct FitReport {
  bool fits = false;
  uint64_t short_by = 0;
  estimator::Fits largest = {};
};
FitReport ReportFit(const estimator::ModelFile& model, const estimator::ServingOptions& serving,
                    const estimator::Footprint& footprint, const BudgetView& budget);
void PrintFit(std::ostream& out, const FitReport& report, const BudgetView& budget, bool color);
Json ToJson(const FitReport& report, const BudgetView& budget);

}  // namespace headroom::cli

// A what-if on a fleet: machines that are lost, models that come in, and what then fits where. Each
// model that needs a place is judged as the webhook would judge it, the largest first, and put on
// the node that it fills best. Pure, but for the Judge's header reader.
#pragma once

#include <string>
#include <vector>

#include "cli/fleet/judge.h"

namespace headroom::cli {

struct WhatIf {
  std::vector<std::string> lost;  // names of nodes
  std::vector<Json> added;        // Models and InferenceServices
};

struct Placement {
  std::string subject;  // "Model team-a/llama"
  enum class Kind { kStays, kPlaced, kNowhere } kind = Kind::kStays;
  std::string from, to;  // nodes; "" = none
  uint64_t bytes = 0;
  std::string why;  // kPlaced: what else was possible; kNowhere: the first line of the denial
};

struct NodeAfter {
  std::string name;
  uint64_t budget = 0, committed = 0;
};

struct Outcome {
  std::vector<Placement> placements;  // those that stay, then by size
  std::vector<NodeAfter> nodes;
};

// `objects` are the fleet's. An error for a lost node that is not among them.
Result<Outcome> Simulate(std::vector<Json> objects, const WhatIf& what_if, Judge& judge);

}  // namespace headroom::cli

// The decision about a set of manifests, in the order kubectl would apply them: what was allowed
// takes its room from what follows. Pure, but for the Judge's header reader.
#pragma once

#include <string>
#include <vector>

#include "cli/fleet/judge.h"

namespace headroom::cli {

struct Manifest {
  Json object;
  std::string file;
  int line = 1;  // where its document starts
};

struct Checked {
  enum class Result { kPassed, kAllowed, kDenied } result = Result::kPassed;
  std::string subject;  // "Model team-a/llama"
  std::string file;
  int line = 1;
  std::string rule;     // "HR-101", "" = none
  std::string summary;  // one line; for kPassed why nothing was judged
  std::string message;  // the whole text of a denial
  std::vector<std::string> warnings;
  Json verdict;  // of the estimator; null for kPassed
};

// `existing` are the objects of the cluster (nodes, models, services).
std::vector<Checked> CheckManifests(const std::vector<Manifest>& manifests,
                                    std::vector<Json> existing, Judge& judge);

// The only node of a check against a number: everything is judged as if bound to it.
Json BudgetNode(uint64_t budget, WallTime now);
inline constexpr char kBudgetNode[] = "budget";
// Takes an object's own binding away, so that it is judged on the budget's node.
void BindToBudget(Json& object);

// Exit code of a check: any denial fails it.
bool AnyDenied(const std::vector<Checked>& checked);

}  // namespace headroom::cli

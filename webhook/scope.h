// What of a review is to be judged: which workloads it changes and how, or why nothing is. Pure;
// rules 0 to 2 of docs/admission.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kube/workload.h"
#include "webhook/review.h"
#include "webhook/view.h"

namespace headroom::webhook {

// A replica of a workload as the review would make it, and as it was (unset: it was not to run).
struct Change {
  kube::Workload after;
  std::optional<kube::Workload> before;
  std::string key;  // LoadKey() of Workload::Key(), or of one of its own for a generated name
  int replica = 1;
};

// One change for each replica that `after` asks for.
std::vector<Change> ReplicaChanges(kube::Workload after, std::optional<kube::Workload> before,
                                   const std::string& key);

struct Scope {
  std::string pass;             // why nothing is judged; "" = `changes` or `budget_error` matter
  std::vector<Change> changes;  // of ours, and changed in what takes memory
  // A malformed memoryBudget or memoryFraction (kInvalid, text starts with the field path) of
  // `subject`, a workload that may be to run nowhere yet.
  std::optional<Error> budget_error;
  kube::Workload subject;
  std::vector<std::string> warnings;
};

// Tells the view of an object that was admitted and not for a dry run.
void ExpectAdmitted(const Review& review, View& view, WallTime now);

Scope ScopeOf(const Review& review, const View& view);

}  // namespace headroom::webhook

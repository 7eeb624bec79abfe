#include "webhook/adopt.h"

#include "webhook/scope.h"

namespace headroom::webhook {

std::vector<HeaderNeed> AdoptAdmissions(View& view, const HeaderLookup& lookup, WallTime now) {
  std::vector<HeaderNeed> missing;
  for (const std::string& key : view.Unplaced(now)) {
    const auto workload = view.FindWorkload(key);
    if (!workload || !kube::IsOurs(*workload, view.nodes())) continue;
    Scope scope;
    scope.changes = ReplicaChanges(*workload, std::nullopt, key);
    Decision decision = JudgeScope(std::move(scope), view, lookup, RuleSettings{}, now);
    // Denied: it has lost the race that admitted it, and its node will refuse it.
    for (Reservation& reservation : decision.reservations) view.Reserve(reservation, now);
    for (HeaderNeed& need : decision.needs) missing.push_back(std::move(need));
  }
  return missing;
}

}  // namespace headroom::webhook

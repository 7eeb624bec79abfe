// Admissions of other webhooks: a workload that may run on several nodes and is not claimed yet
// counts on the node that its admission chose, also here. Pure but for the view it writes to.
#pragma once

#include <vector>

#include "webhook/rules.h"
#include "webhook/view.h"

namespace headroom::webhook {

// Reserves for every View::Unplaced() workload what the same decision over the same view reserves.
// Returns the headers it still misses; those workloads are taken up by a later call.
std::vector<HeaderNeed> AdoptAdmissions(View& view, const HeaderLookup& lookup, WallTime now);

}  // namespace headroom::webhook

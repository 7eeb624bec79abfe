// Which headers a workload's size depends on, and what is known of them. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "admission/request.h"
#include "kube/workload.h"
#include "webhook/rules.h"

namespace headroom::webhook {

// What sizes are looked up in.
struct SizeSources {
  const View& view;
  const HeaderLookup& lookup;
  WallTime now;
};

// Looks the workload's file and projector up; what is missing goes into `needs`. Files on nodes are
// looked for on the first of `targets` that have a live exporter; a remote file that some node has
// fetched for a workload it runs, on that node before its host is asked.
admission::Sizing SizeOf(const kube::Workload& workload, const admission::Nodes& targets,
                         const SizeSources& from, std::vector<HeaderNeed>& needs);

}  // namespace headroom::webhook

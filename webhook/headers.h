// Which headers a workload's size depends on, and what is known of them. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "estimator/serving.h"
#include "kube/workload.h"
#include "webhook/rules.h"

namespace headroom::webhook {

// What is known of a workload's size. `model` is borrowed from the header table.
struct Sizing {
  const estimator::ModelFile* model = nullptr;
  uint64_t bytes_read = 0, mmproj_bytes = 0;
  std::string source;         // for the Estimate line
  bool file_on_node = false;  // a path on the nodes, not a download
  bool pending = false;       // unknown only because a fetch is under way
  std::string reason;         // why `model` is null; "" when something is missing and worth a fetch
};

// What sizes are looked up in.
struct SizeSources {
  const View& view;
  const HeaderLookup& lookup;
  WallTime now;
};

// Looks the workload's file and projector up; what is missing goes into `needs`. Files on nodes are
// looked for on the first of `targets` that have a live exporter; a remote file that some node has
// fetched for a workload it runs, on that node before its host is asked.
Sizing SizeOf(const kube::Workload& workload, const std::vector<const kube::Node*>& targets,
              const SizeSources& from, std::vector<HeaderNeed>& needs);

}  // namespace headroom::webhook

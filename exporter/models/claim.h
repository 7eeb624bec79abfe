// Claim: the right of one node to run a workload, taken by one optimistic write of two annotations
// (headroom.dev/claimed-by, headroom.dev/footprint-bytes). Pure; the manager sends the patches.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "common/json.h"
#include "common/time.h"
#include "exporter/models/holder_watch.h"
#include "kube/objects.h"
#include "kube/workload.h"

namespace headroom::exporter {

// True when the workload is somebody else's who is alive. A claim of our own is written again with
// each attempt: the write is what proves that it still stands.
bool IsHeldElsewhere(const kube::Workload& workload, const std::string& node_name,
                     const HolderWatch& holders, SteadyTime now);

// Several nodes may want a workload that nobody holds: the one with most room should claim first,
// and no two at the same moment. How long this one waits, of at most twice `spread`: the more, the
// larger the share of its headroom (bytes) that the workload would take. `jitter` in [0, 1).
std::chrono::milliseconds ClaimDelay(uint64_t footprint, uint64_t headroom,
                                     std::chrono::milliseconds spread, double jitter);

// Merge patches. Both carry the resourceVersion they were decided on, so that of two nodes that
// claim at once one gets a conflict.
Json ClaimPatch(const kube::Meta& object, const std::string& node_name, uint64_t footprint);
Json ReleasePatch(const kube::Meta& object);

// The claim as an object carries it.
void TakeClaim(kube::Workload& workload, const kube::Meta& meta);

// True when `version` was written before `known`. Versions of one resource compare as integers
// since Kubernetes 1.35 (KEP-5504), and have with etcd behind it before; others count as not older.
bool IsOlderVersion(const std::string& version, const std::string& known);

// True when the workload is one for this node: bound to it by name, or matched by its selector or
// its accelerator. A node that reads manifests from its own folder (`standalone`) is the only one
// that sees them, so there everything that is not bound elsewhere is for it.
bool IsForNode(const kube::Workload& workload, const kube::Node& self, bool standalone);

}  // namespace headroom::exporter

// Claim: the right of one node to run a workload, taken by one optimistic write of two annotations
// (headroom.dev/claimed-by, headroom.dev/footprint-bytes). Pure; the manager sends the patches.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/json.h"
#include "common/time.h"
#include "kube/objects.h"
#include "kube/workload.h"

namespace headroom::exporter {

// What is known of the node that holds a claim.
struct ClaimHolder {
  // renewTime of its Lease and how long that is good for; nullopt = it has no Lease.
  std::optional<WallTime> renewed_at;
  std::chrono::seconds lease_duration{40};
};

enum class ClaimDecision {
  kClaim,      // write the claim
  kOurs,       // already ours, with this footprint
  kElsewhere,  // another node holds it and is alive
};

// A holder without a Lease, or whose Lease has expired, is dead: the claim is taken over.
ClaimDecision DecideClaim(const kube::Workload& workload, const std::string& node_name,
                          uint64_t footprint, const std::optional<ClaimHolder>& holder,
                          WallTime now);

// Merge patches. Both carry the resourceVersion they were decided on, so that of two nodes that
// claim at once one gets a conflict.
Json ClaimPatch(const kube::Meta& object, const std::string& node_name, uint64_t footprint);
Json ReleasePatch(const kube::Meta& object);

// renewTime and leaseDurationSeconds of a coordination.k8s.io/v1 Lease.
ClaimHolder DecodeHolder(const Json& lease);

// True when the workload is one for this node: bound to it by name, or matched by its selector or
// its accelerator. A node that reads manifests from its own folder (`standalone`) is the only one
// that sees them, so there everything that is not bound elsewhere is for it.
bool IsForNode(const kube::Workload& workload, const kube::Node& self, bool standalone);

}  // namespace headroom::exporter

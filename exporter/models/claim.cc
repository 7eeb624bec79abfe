#include "exporter/models/claim.h"

#include <vector>

namespace headroom::exporter {
namespace {

Json AnnotationPatch(const kube::Meta& object, Json claimed_by, Json footprint) {
  Json patch;
  Json& meta = patch.Make({"metadata"});
  if (!object.resource_version.empty()) meta.Set("resourceVersion", object.resource_version);
  Json& annotations = patch.Make({"metadata", "annotations"});
  annotations.Set(kube::kClaimedByAnnotation, std::move(claimed_by));
  annotations.Set(kube::kFootprintAnnotation, std::move(footprint));
  return patch;
}

bool IsAlive(const ClaimHolder& holder, WallTime now) {
  return holder.renewed_at && now - *holder.renewed_at <= holder.lease_duration;
}

}  // namespace

ClaimDecision DecideClaim(const kube::Workload& workload, const std::string& node_name,
                          uint64_t footprint, const std::optional<ClaimHolder>& holder,
                          WallTime now) {
  if (workload.claimed_by == node_name) {
    return workload.claimed_footprint == footprint ? ClaimDecision::kOurs : ClaimDecision::kClaim;
  }
  const bool held = !workload.claimed_by.empty() && holder && IsAlive(*holder, now);
  return held ? ClaimDecision::kElsewhere : ClaimDecision::kClaim;
}

Json ClaimPatch(const kube::Meta& object, const std::string& node_name, uint64_t footprint) {
  return AnnotationPatch(object, node_name, std::to_string(footprint));
}

Json ReleasePatch(const kube::Meta& object) { return AnnotationPatch(object, nullptr, nullptr); }

ClaimHolder DecodeHolder(const Json& lease) {
  ClaimHolder holder;
  if (const auto time = ParseRfc3339(StringOr(lease, {"spec", "renewTime"}))) {
    holder.renewed_at = *time;
  }
  const int64_t seconds = IntOr(lease, {"spec", "leaseDurationSeconds"}, 40);
  if (seconds > 0 && seconds < 3600) holder.lease_duration = std::chrono::seconds(seconds);
  return holder;
}

bool IsForNode(const kube::Workload& workload, const kube::Node& self, bool standalone) {
  if (workload.meta.deleting) return false;
  if (!workload.node_name.empty()) return workload.node_name == self.meta.name;
  if (standalone && workload.node_selector.empty()) return true;
  const std::vector<const kube::Node*> nodes = {&self};
  return kube::IsOurs(workload, nodes) && !kube::TargetNodes(workload, nodes).empty();
}

}  // namespace headroom::exporter

#include "exporter/models/claim.h"

#include <algorithm>
#include <charconv>
#include <optional>
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

std::optional<uint64_t> Number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

bool IsHeldElsewhere(const kube::Workload& workload, const std::string& node_name,
                     const HolderWatch& holders, SteadyTime now) {
  if (workload.claimed_by.empty() || workload.claimed_by == node_name) return false;
  return !holders.IsDead(workload.claimed_by, now);
}

std::chrono::milliseconds ClaimDelay(uint64_t footprint, uint64_t headroom,
                                     std::chrono::milliseconds spread, double jitter) {
  const double share =
      headroom == 0 ? 1.0
                    : std::min(1.0, static_cast<double>(footprint) / static_cast<double>(headroom));
  // A quarter of the wait is chance: enough to part nodes of the same size.
  const double wait = 0.75 * share + 0.25 * jitter;
  return std::chrono::milliseconds(
      static_cast<int64_t>(wait * 2.0 * static_cast<double>(spread.count())));
}

Json ClaimPatch(const kube::Meta& object, const std::string& node_name, uint64_t footprint) {
  return AnnotationPatch(object, node_name, std::to_string(footprint));
}

Json ReleasePatch(const kube::Meta& object) { return AnnotationPatch(object, nullptr, nullptr); }

void TakeClaim(kube::Workload& workload, const kube::Meta& meta) {
  const auto by = meta.annotations.find(kube::kClaimedByAnnotation);
  const auto bytes = meta.annotations.find(kube::kFootprintAnnotation);
  workload.meta = meta;
  workload.claimed_by = by == meta.annotations.end() ? "" : by->second;
  workload.claimed_footprint.reset();
  if (bytes != meta.annotations.end()) workload.claimed_footprint = Number(bytes->second);
}

bool IsOlderVersion(const std::string& version, const std::string& known) {
  const auto seen = Number(version), ours = Number(known);
  return seen && ours && *seen < *ours;
}

bool IsForNode(const kube::Workload& workload, const kube::Node& self, bool standalone) {
  if (workload.meta.deleting) return false;
  if (!workload.node_name.empty()) return workload.node_name == self.meta.name;
  if (standalone && workload.node_selector.empty()) return true;
  const std::vector<const kube::Node*> nodes = {&self};
  return kube::IsOurs(workload, nodes) && !kube::TargetNodes(workload, nodes).empty();
}

}  // namespace headroom::exporter

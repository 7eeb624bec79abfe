#include "webhook/candidates.h"

#include <algorithm>

#include "admission/occupancy.h"
#include "webhook/headers.h"

namespace headroom::webhook {

bool Candidates::IsPromised(std::string_view key) const {
  return std::any_of(promised_.begin(), promised_.end(),
                     [key](const Reservation& one) { return one.key == key; });
}

const std::vector<std::string>& Candidates::Unsized(std::string_view node) const {
  static const std::vector<std::string> none;
  const auto it = unsized_.find(node);
  return it == unsized_.end() ? none : it->second;
}

// Of a workload whose claim, reservation and node all say nothing. If its header cannot be read
// either: the declared size, else 0 (once it is claimed its node reports it).
uint64_t Candidates::Estimated(std::string_view key, const kube::Node& node) {
  const auto workload = view_.FindWorkload(key);
  if (!workload) return 0;
  const admission::Sizing sizing = SizeOf(*workload, {&node}, {view_, lookup_, now_}, needs_);
  const uint64_t bytes = admission::FootprintOn(node, *workload, sizing);
  if (sizing.pending && bytes == 0 && workload->claimed_by.empty()) {
    unsized_[node.meta.name].emplace_back(key);
  }
  return bytes;
}

estimator::Candidate Candidates::For(const kube::Node& node, std::string_view without) {
  admission::Occupancy on(node, without);
  for (const Load& load : view_.LoadsOn(node.meta.name, now_)) {
    const uint64_t seen = on.TakeReported(load.key);
    if (load.key == without || IsPromised(load.key)) continue;
    // An edit that has been admitted is larger than what the node has launched so far.
    const uint64_t known = std::max(load.footprint.value_or(0), seen);
    on.Add(load.key, load.name, known > 0 ? known : Estimated(load.key, node));
  }
  on.AddReported([this](std::string_view key) { return IsPromised(key); });
  for (const Reservation& one : promised_) {
    if (one.node == node.meta.name) on.Add(one.key, one.name, one.footprint);
  }
  return on.Take();
}

}  // namespace headroom::webhook

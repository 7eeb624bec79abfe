#include "webhook/candidates.h"

#include <algorithm>

#include "common/checked.h"
#include "common/quantity.h"
#include "estimator/commitments.h"
#include "estimator/footprint.h"
#include "webhook/headers.h"

namespace headroom::webhook {
uint64_t DeclaredSize(const kube::Workload& workload) {
  if (!workload.budget.memory_budget) return 0;
  const auto bytes = ParseQuantity(*workload.budget.memory_budget);
  return bytes ? *bytes : 0;
}

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
uint64_t Candidates::Estimated(const std::string& key, const kube::Node& node) {
  const auto workload = view_.FindWorkload(key);
  if (!workload) return 0;
  const Sizing sizing = SizeOf(*workload, {&node}, {view_, lookup_, now_}, needs_);
  if (sizing.model == nullptr) {
    const uint64_t declared = DeclaredSize(*workload);
    if (sizing.pending && declared == 0 && workload->claimed_by.empty()) {
      unsized_[node.meta.name].push_back(key);
    }
    return declared;
  }
  auto options = kube::ServingOptionsOf(*workload);
  if (!options) return 0;
  options->mmproj_bytes = sizing.mmproj_bytes;
  options->runtime_version = node.capacity.runtime_version;
  const auto footprint = estimator::Estimate(*sizing.model, *options);
  return footprint ? footprint->footprint_bytes : 0;
}

estimator::Candidate Candidates::For(const kube::Node& node, std::string_view without) {
  estimator::Candidate candidate{.node = node.capacity, .occupants = {}, .other_bytes = 0};
  candidate.node.name = node.meta.name;
  uint64_t replicas = 0;
  const auto add = [&](std::string_view key, std::string name, uint64_t bytes) {
    if (SameWorkload(key, without)) {
      replicas = CheckedAdd(replicas, bytes).value_or(UINT64_MAX);
    } else if (bytes > 0) {
      candidate.occupants.push_back({std::move(name), bytes});
    }
  };
  estimator::Commitments reported(node.capacity);
  for (const Load& load : view_.LoadsOn(node.meta.name, now_)) {
    const uint64_t seen = reported.Take(load.key);
    if (load.key == without || IsPromised(load.key)) continue;
    // An edit that has been admitted is larger than what the node has launched so far.
    const uint64_t known = std::max(load.footprint.value_or(0), seen);
    add(load.key, load.name, known > 0 ? known : Estimated(load.key, node));
  }
  for (const auto& [key, bytes] : reported.left()) {
    if (key != without && !IsPromised(key)) add(key, estimator::NameOfKey(key), bytes);
  }
  for (const Reservation& one : promised_) {
    if (one.node == node.meta.name && one.key != without) add(one.key, one.name, one.footprint);
  }
  if (replicas > 0) {
    candidate.occupants.push_back({std::string(estimator::kOtherReplicas), replicas});
  }
  candidate.other_bytes = reported.Unnamed();
  return candidate;
}

}  // namespace headroom::webhook

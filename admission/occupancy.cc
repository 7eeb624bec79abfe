#include "admission/occupancy.h"

#include "admission/replicas.h"
#include "common/checked.h"

namespace headroom::admission {

Occupancy::Occupancy(const kube::Node& node, std::string_view asked)
    : asked_(asked), reported_(node.capacity) {
  candidate_.node = node.capacity;
  candidate_.node.name = node.meta.name;
}

void Occupancy::Add(std::string_view key, std::string_view name, uint64_t bytes) {
  if (key == asked_) return;
  if (SameWorkload(key, asked_)) {
    replicas_ = CheckedAdd(replicas_, bytes).value_or(UINT64_MAX);
  } else if (bytes > 0) {
    candidate_.occupants.push_back({std::string(name), bytes});
  }
}

estimator::Candidate Occupancy::Take() {
  if (replicas_ > 0) {
    candidate_.occupants.push_back({std::string(estimator::kOtherReplicas), replicas_});
  }
  candidate_.other_bytes = reported_.Unnamed();
  return std::move(candidate_);
}

}  // namespace headroom::admission

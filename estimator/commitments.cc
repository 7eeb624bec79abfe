#include "estimator/commitments.h"

#include "common/checked.h"

namespace headroom::estimator {

std::string NameOfKey(std::string_view key) { return std::string(key.substr(key.find('/') + 1)); }

Commitments::Commitments(const NodeCapacity& node) : committed_(node.committed) {
  for (const Commitment& one : node.commitments) {
    left_[one.key] = one.bytes;
    named_ = CheckedAdd(named_, one.bytes).value_or(UINT64_MAX);
  }
}

uint64_t Commitments::Take(std::string_view key) {
  const auto it = left_.find(key);
  if (it == left_.end()) return 0;
  const uint64_t bytes = it->second;
  left_.erase(it);
  return bytes;
}

uint64_t Commitments::Unnamed() const { return SaturatingSub(committed_, named_); }

}  // namespace headroom::estimator

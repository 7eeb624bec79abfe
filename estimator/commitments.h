// Commitments: which workloads a node says its committed memory is for, each taken once by whoever
// knows the same workload from elsewhere, so that none counts twice. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "estimator/budget.h"

namespace headroom::estimator {

// "Model/team-a/llama" -> "team-a/llama".
std::string NameOfKey(std::string_view key);

class Commitments {
 public:
  explicit Commitments(const NodeCapacity& node);

  // What the node counts for the workload of this key; 0 when nothing, or when it was taken.
  uint64_t Take(std::string_view key);
  // Those not taken, by key.
  const std::map<std::string, uint64_t, std::less<>>& left() const { return left_; }
  // Committed memory that the node gives no name for.
  uint64_t Unnamed() const;

 private:
  uint64_t committed_ = 0, named_ = 0;
  std::map<std::string, uint64_t, std::less<>> left_;
};

}  // namespace headroom::estimator

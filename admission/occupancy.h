// Who takes memory on a node, each workload once: what we know of it and what the node itself
// reports, gathered into the estimator's Candidate. Pure; lives for one candidate.
#pragma once

#include <cstdint>
#include <string_view>

#include "estimator/commitments.h"
#include "estimator/verdict.h"
#include "kube/objects.h"

namespace headroom::admission {

class Occupancy {
 public:
  // `asked` is the LoadKey() of the workload that the node is a candidate for: it does not count,
  // and its other replicas count together.
  Occupancy(const kube::Node& node, std::string_view asked);

  // What the node reports of a workload, once: who asks says himself what counts.
  uint64_t TakeReported(std::string_view key) { return reported_.Take(key); }
  void Add(std::string_view key, std::string_view name, uint64_t bytes);
  // All that the node reports and nobody has taken, but for what `counted` says counts elsewhere.
  template <class Counted>
  void AddReported(Counted counted) {
    for (const auto& [key, bytes] : reported_.left()) {
      if (!counted(key)) Add(key, estimator::NameOfKey(key), bytes);
    }
  }
  estimator::Candidate Take();

 private:
  std::string_view asked_;
  estimator::Commitments reported_;
  estimator::Candidate candidate_;
  uint64_t replicas_ = 0;
};

}  // namespace headroom::admission

// One candidate at a time: what it could give, what is needed there, whether that fits.
#pragma once

#include <optional>

#include "estimator/footprint_memo.h"
#include "estimator/verdict.h"

namespace headroom::estimator {

// The request's serving options as they apply on that node (runtime version, device).
ServingOptions ServingOn(const ServingOptions& serving, const NodeCapacity& node);

// Evaluates candidates of one request, which must outlive it. A footprint depends on a node's
// runtime version and device only, so a thousand nodes take a few estimates.
class Evaluator {
 public:
  explicit Evaluator(const Request& request) : request_(request), known_(request.footprints) {
    if (known_ == nullptr && request.model != nullptr) known_ = &own_.emplace(*request.model);
  }
  Evaluator(const Evaluator&) = delete;
  CandidateView operator()(const Candidate& candidate);

 private:
  const Request& request_;
  std::optional<FootprintMemo> own_;
  FootprintMemo* known_;
};

// One candidate with other serving options, for trying suggestions.
CandidateView EvaluateCandidate(const Request& request, const Candidate& candidate,
                                const ServingOptions& serving);

// Candidates with the most promising first: fitting (most room left), then least short of room.
bool ComesBefore(const CandidateView& a, const CandidateView& b);

}  // namespace headroom::estimator

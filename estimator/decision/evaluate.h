// One candidate at a time: what it could give, what is needed there, whether that fits.
#pragma once

#include "estimator/verdict.h"

namespace headroom::estimator {

// The request's serving options as they apply on that node (runtime version, device).
ServingOptions ServingOn(const ServingOptions& serving, const NodeCapacity& node);

CandidateView EvaluateCandidate(const Request& request, const Candidate& candidate);

// The same with other serving options or another model, for trying suggestions.
CandidateView EvaluateCandidate(const Request& request, const Candidate& candidate,
                                const ServingOptions& serving);

// Candidates with the most promising first: fitting (most room left), then least short of room.
bool ComesBefore(const CandidateView& a, const CandidateView& b);

}  // namespace headroom::estimator

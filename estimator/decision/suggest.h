// What would fit: each suggestion has been evaluated like a request of its own, and fits.
#pragma once

#include "estimator/decision/evaluate.h"
#include "estimator/verdict.h"

namespace headroom::estimator {

// For a denied request; `closest` is the candidate the denial speaks about.
std::vector<Suggestion> Suggest(const Request& request, const Candidate& closest,
                                const CandidateView& view, Evaluator& evaluate);

}  // namespace headroom::estimator

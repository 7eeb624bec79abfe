// What would fit: each suggestion has been evaluated like a request of its own, and fits.
#pragma once

#include "estimator/verdict.h"

namespace headroom::estimator {

// For a denied request; `closest` is the candidate the denial speaks about.
std::vector<Suggestion> Suggest(const Request& request, const Candidate& closest,
                                const CandidateView& view);

}  // namespace headroom::estimator

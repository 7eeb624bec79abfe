// What people read: the denial, warnings and machine-readable causes of a Verdict. The webhook and
// the agent's condition print these same lines. Deterministic, ASCII, no clock.
#pragma once

#include <string>
#include <vector>

#include "estimator/verdict.h"

namespace headroom::estimator {

// At most 2 KiB; the first line is complete by itself; "" for an allowed verdict.
std::string DenialText(const Verdict& verdict);

// The first line of DenialText, or for an allowed verdict "Model a/b needs 5.1 GiB; node m has
// ...".
std::string Summary(const Verdict& verdict);

// At most 4 ASCII lines of at most 120 characters (the API server cuts and drops others).
std::vector<std::string> Warnings(const Verdict& verdict);

// For AdmissionReview response.status.details.causes: reason is the rule id, field a field path,
// message holds exact bytes ("footprintBytes=55942123520").
struct Cause {
  std::string reason = {}, field = {}, message = {};
};
std::vector<Cause> Causes(const Verdict& verdict);

// The whole verdict for /v1 endpoints and logs.
Json ToJson(const Verdict& verdict);

}  // namespace headroom::estimator

// The admission decision: a pure function of the review, the view, the headers that are known and
// the time. Sizes and texts are the estimator's; here is only who is asked to fit where. It does no
// I/O: when a header is missing it says which, the caller fetches it and calls again.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/time.h"
#include "estimator/verdict.h"
#include "webhook/header_table.h"
#include "webhook/review.h"
#include "webhook/scope.h"
#include "webhook/view.h"

namespace headroom::webhook {

struct RuleSettings {
  bool allow_unknown = false;  // --unknown-size=warn
};

using HeaderLookup = std::function<HeaderState(const HeaderNeed&)>;

struct Decision {
  // Not empty: fetch these and judge again; nothing else is set.
  std::vector<HeaderNeed> needs;

  Answer answer;
  enum class Outcome { kPassed, kAllowed, kDenied } outcome = Outcome::kPassed;
  std::string detail;                         // kPassed: why nothing was judged
  std::optional<estimator::Verdict> verdict;  // the one behind the answer; unset when kPassed
  std::string rule;                           // "HR-101", "" = none
  bool unknown_size = false;                  // the size could not be known, whatever followed
  std::vector<Reservation> reservations;      // to be made when allowed and no dry run

  std::string Detail() const;  // for logs: what there was to say in one line
};
std::string_view ToString(Decision::Outcome outcome);  // "passed" | "allowed" | "denied"

// `lookup` must answer kMissing only for headers that are worth a fetch now.
Decision Judge(const Review& review, const View& view, const HeaderLookup& lookup,
               const RuleSettings& settings, WallTime now);

// The same for changes that come from elsewhere than a review.
Decision JudgeScope(Scope scope, const View& view, const HeaderLookup& lookup,
                    const RuleSettings& settings, WallTime now);

}  // namespace headroom::webhook

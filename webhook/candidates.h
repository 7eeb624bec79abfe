// What each node can give a workload: the estimator's Candidate out of the view, with everything
// that counts there exactly once. Pure; lives for one review.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "estimator/verdict.h"
#include "webhook/rules.h"
#include "webhook/view.h"

namespace headroom::webhook {

class Candidates {
 public:
  // Headers of occupants that are missing go into `needs`; all arguments outlive this.
  Candidates(const View& view, const HeaderLookup& lookup, WallTime now,
             std::vector<HeaderNeed>& needs)
      : view_(view), lookup_(lookup), now_(now), needs_(needs) {}

  // Admitted earlier in the same review: counts, in place of what the view says of it.
  void Promise(Reservation reservation) { promised_.push_back(std::move(reservation)); }

  // `without` is the key of the workload that is asked for. On the node are: what the view places
  // or reserves there, what the node itself reports beyond that, by name, and the rest of its
  // memory-committed.
  estimator::Candidate For(const kube::Node& node, std::string_view without);

  // Workloads on a node from For() that nobody has sized: their headers are being fetched.
  const std::vector<std::string>& Unsized(std::string_view node) const;

 private:
  bool IsPromised(std::string_view key) const;
  uint64_t Estimated(std::string_view key, const kube::Node& node);

  const View& view_;
  const HeaderLookup& lookup_;
  const WallTime now_;
  std::vector<HeaderNeed>& needs_;
  std::vector<Reservation> promised_;
  std::map<std::string, std::vector<std::string>, std::less<>> unsized_;
};

}  // namespace headroom::webhook

// Which of several replicas leads, by a Lease as client-go's leaderelection uses it. Pure: it is
// shown the Lease and says what to write. A holder's clock is never compared with ours: a Lease is
// taken over when it has not changed for its whole duration as we saw it.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "common/json.h"
#include "common/time.h"

namespace headroom::kube {

class Election {
 public:
  static constexpr std::chrono::seconds kDuration{15};
  // A leader that could not renew for this long stops leading, before another may take over.
  static constexpr std::chrono::seconds kRenewDeadline{10};
  static constexpr std::chrono::seconds kRetry{2};

  explicit Election(std::string identity) : identity_(std::move(identity)) {}

  // The Lease to write (created when `lease` is null, which means that it does not exist), or
  // nullopt while another leads. `wall` goes into the Lease for people to read.
  std::optional<Json> Next(const Json& lease, SteadyTime now, WallTime wall);
  // The same, to step down at once, so that another need not wait. Only while we lead.
  std::optional<Json> Release(const Json& lease, WallTime wall) const;

  // What became of the write asked for at `asked`.
  void OnWritten(SteadyTime asked) { renewed_ = asked; }
  void OnLost() { renewed_.reset(); }

  bool Leads(SteadyTime now) const { return renewed_ && now - *renewed_ < kRenewDeadline; }

 private:
  bool HeldByOther(const Json& lease, SteadyTime now);

  std::string identity_;
  std::string seen_;      // the Lease as last seen ...
  SteadyTime seen_at_{};  // ... and since when it is like that
  std::optional<SteadyTime> renewed_;
};

}  // namespace headroom::kube

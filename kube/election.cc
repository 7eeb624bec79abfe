#include "kube/election.h"

namespace headroom::kube {

bool Election::HeldByOther(const Json& lease, SteadyTime now) {
  const std::string holder = StringOr(lease, {"spec", "holderIdentity"});
  std::string record = holder + " " + StringOr(lease, {"spec", "renewTime"});
  if (record != seen_) {
    seen_ = std::move(record);
    seen_at_ = now;
  }
  if (holder.empty() || holder == identity_) return false;
  const std::chrono::seconds duration(
      IntOr(lease, {"spec", "leaseDurationSeconds"}, kDuration.count()));
  return now - seen_at_ < duration;
}

std::optional<Json> Election::Next(const Json& lease, SteadyTime now, WallTime wall) {
  if (HeldByOther(lease, now)) {
    OnLost();
    return std::nullopt;
  }
  Json next = lease;
  next.Set("apiVersion", "coordination.k8s.io/v1");
  next.Set("kind", "Lease");
  Json& spec = next.Make({"spec"});
  const std::string time = FormatRfc3339Micro(wall);
  if (StringOr(spec, {"holderIdentity"}) != identity_) {
    spec.Set("leaseTransitions", IntOr(spec, {"leaseTransitions"}, -1) + 1);
    spec.Set("acquireTime", time);
  }
  spec.Set("holderIdentity", identity_);
  spec.Set("leaseDurationSeconds", kDuration.count());
  spec.Set("renewTime", time);
  return next;
}

std::optional<Json> Election::Release(const Json& lease, WallTime wall) const {
  if (!renewed_ || StringOr(lease, {"spec", "holderIdentity"}) != identity_) return std::nullopt;
  Json next = lease;
  Json& spec = next.Make({"spec"});
  spec.Set("holderIdentity", "");
  spec.Set("leaseDurationSeconds", 1);
  spec.Set("renewTime", FormatRfc3339Micro(wall));
  return next;
}

}  // namespace headroom::kube

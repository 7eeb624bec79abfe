#include "exporter/models/holder_watch.h"

#include <algorithm>

namespace headroom::exporter {

namespace {

constexpr int64_t kMaxSeconds = 3600;  // a longer one is a mistake that would keep claims for ever

}  // namespace

LeaseRecord DecodeLease(const Json& lease) {
  LeaseRecord record;
  // Each renewal writes another time, whatever the writer's clock says.
  record.mark =
      StringOr(lease, {"spec", "holderIdentity"}) + " " + StringOr(lease, {"spec", "renewTime"});
  const int64_t seconds = IntOr(lease, {"spec", "leaseDurationSeconds"}, 0);
  if (seconds > 0 && seconds < kMaxSeconds) record.duration = std::chrono::seconds(seconds);
  return record;
}

void HolderWatch::Saw(const std::string& node, const LeaseRecord& lease, SteadyTime now) {
  const auto [seen, added] = seen_.try_emplace(node, Seen{lease, now});
  if (!added && seen->second.lease != lease) seen->second = {lease, now};
}

bool HolderWatch::IsDead(const std::string& node, SteadyTime now) const {
  return Remaining(node, now).count() == 0;
}

std::chrono::milliseconds HolderWatch::Remaining(const std::string& node, SteadyTime now) const {
  const auto seen = seen_.find(node);
  if (seen == seen_.end()) return LeaseRecord().duration;
  const SteadyTime end = seen->second.since + seen->second.lease.duration;
  // Rounded up: asked again then, it is dead.
  return std::max(std::chrono::milliseconds(0),
                  std::chrono::ceil<std::chrono::milliseconds>(end - now));
}

}  // namespace headroom::exporter

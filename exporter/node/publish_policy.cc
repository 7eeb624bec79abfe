#include "exporter/node/publish_policy.h"

namespace headroom::exporter {
namespace {

using estimator::NodeCapacity;

bool Moved(uint64_t before, uint64_t after, uint64_t total, double share) {
  const uint64_t distance = before > after ? before - after : after - before;
  return static_cast<double>(distance) >= share * static_cast<double>(total);
}

// What changes a decision, or names where to look: everything but the memory that moves by itself.
bool Differs(const NodeCapacity& a, const NodeCapacity& b) {
  return a.memory_total != b.memory_total || a.memory_budget != b.memory_budget ||
         a.budget_source != b.budget_source || a.gpu_working_set != b.gpu_working_set ||
         a.committed != b.committed || a.commitments != b.commitments || a.pressure != b.pressure ||
         a.accelerator != b.accelerator || a.runtime_version != b.runtime_version ||
         a.metrics_address != b.metrics_address;
}

}  // namespace

bool PublishPolicy::Due(const NodeCapacity& capacity, SteadyTime now) const {
  if (!last_ || now >= refresh_at_) return true;
  if (now - at_ >= intervals_.at_once && Differs(*last_, capacity)) return true;
  if (now - at_ < intervals_.movement) return false;
  const uint64_t total = capacity.memory_total;
  return Moved(last_->available, capacity.available, total, intervals_.moved) ||
         Moved(last_->wired, capacity.wired, total, intervals_.moved);
}

void PublishPolicy::Published(const NodeCapacity& capacity, SteadyTime now, double jitter) {
  last_ = capacity;
  at_ = now;
  const double share = 1.0 - intervals_.spread * jitter;
  refresh_at_ = now + std::chrono::milliseconds(static_cast<int64_t>(
                          static_cast<double>(intervals_.refresh.count()) * share));
}

}  // namespace headroom::exporter

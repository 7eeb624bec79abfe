// When a node's annotations are written: at once when what admission decides on changed, soon when
// memory moved by 5 %, else once a minute. Every write goes to every watcher of nodes, so that is
// all. Pure.
#pragma once

#include <chrono>
#include <optional>

#include "common/time.h"
#include "estimator/budget.h"

namespace headroom::exporter {

struct PublishIntervals {
  std::chrono::milliseconds at_once{1'000};    // between two writes, whatever happens
  std::chrono::milliseconds movement{15'000};  // between two writes for moved memory
  std::chrono::milliseconds refresh{60'000};   // without any change
  double spread = 0.15;                        // of `refresh` by which writes of a fleet differ
  double moved = 0.05;                         // of total memory
};

class PublishPolicy {
 public:
  explicit PublishPolicy(PublishIntervals intervals = {}) : intervals_(intervals) {}

  bool Due(const estimator::NodeCapacity& capacity, SteadyTime now) const;
  // `capacity` was written. `jitter` in [0, 1) brings the next refresh forward, never beyond a
  // minute.
  void Published(const estimator::NodeCapacity& capacity, SteadyTime now, double jitter);
  void Forget() { last_.reset(); }  // what was written is gone: write at once

 private:
  PublishIntervals intervals_;
  std::optional<estimator::NodeCapacity> last_;
  SteadyTime at_{}, refresh_at_{};
};

}  // namespace headroom::exporter

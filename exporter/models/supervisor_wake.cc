// When a workload wants its next tick; what a tick does is in supervisor.cc.
#include <algorithm>

#include "exporter/models/supervisor.h"

namespace headroom::exporter {

std::optional<SteadyTime> Supervisor::NextWake(const Supervised& it) const {
  switch (it.state) {
    case State::kLoading:
      return it.probing || it.pid == 0 ? it.load_limit : std::min(it.probe_at, it.load_limit);
    case State::kReady:
    case State::kUnhealthy:
      return it.probing ? std::nullopt : std::optional<SteadyTime>(it.probe_at);
    default: return it.wake_at;
  }
}

}  // namespace headroom::exporter

#include "exporter/models/supervisor.h"

namespace headroom::exporter {

std::string_view ToString(State state) {
  switch (state) {
    case State::kPending: return "pending";
    case State::kWaitingForMemory: return "waiting-for-memory";
    case State::kClaiming: return "claiming";
    case State::kFetching: return "downloading";
    case State::kPreflight: return "preflight";
    case State::kLoading: return "loading";
    case State::kReady: return "ready";
    case State::kUnhealthy: return "unhealthy";
    case State::kStopping: return "stopping";
    case State::kEvicted: return "evicted";
    case State::kBackoff: return "backoff";
    case State::kFailed: return "failed";
    case State::kGone: return "gone";
  }
  return "unknown";
}

}  // namespace headroom::exporter

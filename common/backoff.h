// Exponential backoff as a pure value: the caller keeps it, injects the jitter and does the
// waiting.
#pragma once

#include <algorithm>
#include <chrono>

namespace headroom {

class Backoff {
 public:
  using Duration = std::chrono::milliseconds;

  Backoff(Duration initial, Duration max, double factor = 2.0)
      : initial_(initial), max_(max), factor_(factor), next_(initial) {}

  // The next pause; `jitter` in [0, 1) spreads it over [d, 2d) capped at twice the maximum, so that
  // a fleet that failed together does not return together.
  Duration Next(double jitter) {
    const Duration base = next_;
    next_ = std::min(max_, Duration(static_cast<Duration::rep>(next_.count() * factor_)));
    return base + Duration(static_cast<Duration::rep>(base.count() * jitter));
  }
  void Reset() { next_ = initial_; }

 private:
  Duration initial_, max_;
  double factor_;
  Duration next_;
};

}  // namespace headroom

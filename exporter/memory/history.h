// History: memory and pressure of the last hours, for the picture on the page. A ring of fixed
// size: each point sums up the samples of one step. In memory only; Prometheus keeps the rest.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

#include "common/json.h"
#include "exporter/memory/sample.h"

namespace headroom::exporter {

class History {
 public:
  static constexpr std::chrono::seconds kStep{30};
  static constexpr size_t kPoints = 720;  // six hours

  struct Point {
    WallTime start{};                     // of the step
    std::optional<uint64_t> available{};  // bytes, the least seen; unset: no sample was good
    Pressure level = Pressure::kUnknown;  // the worst seen; unknown only if nothing was known
  };

  // `available` unset: the sample failed. A clock that was set back starts the history anew.
  void Add(WallTime now, std::optional<uint64_t> available, Pressure level);

  const std::deque<Point>& points() const { return points_; }  // oldest first

 private:
  std::deque<Point> points_;
};

// {"stepSeconds":30,"points":[[unix seconds, available bytes or null, "normal"], …]}
Json HistoryJson(const History& history);

}  // namespace headroom::exporter

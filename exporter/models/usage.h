// Usage: the measured memory of one model server against what it was admitted with. Pure. Says when
// its figures have moved enough to be told, when it grows so that it will be over its estimate
// soon, and when it has been over it for long enough that it is no reading's accident; each is said
// once, until it has been back for as long.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "exporter/memory/sample.h"
#include "exporter/memory/trend.h"

namespace headroom::exporter {

class Usage {
 public:
  // The estimate is good to 1.5 %; what is beyond this is no rounding.
  static constexpr double kExceeded = 1.05, kBack = 1.02;
  static constexpr int kReadings = 3;     // in a row, for either change
  static constexpr double kMoved = 0.05;  // of what was told last
  // Of the estimate, in each quarter of a trend's readings: slower growth is for the day after.
  static constexpr double kGrowthStep = 0.002;

  struct Step {
    bool tell = false;      // figures or verdict differ from what was told
    bool exceeded = false;  // with this reading it counts as over its estimate
    std::string grows;      // with this reading it counts as growing beyond it: how
  };
  // One reading; `estimated` 0 = not known.
  Step Take(const ProcessMemory& memory, uint64_t estimated, SteadyTime now);

  bool exceeded() const { return exceeded_; }
  // It will be over its estimate before a trend's time has passed once more, if it goes on so.
  bool growing() const { return growing_.present(); }
  const std::optional<ProcessMemory>& told() const { return told_; }
  // "uses 12.3 GiB, 1.3 GiB more than the 11.0 GiB it was admitted with"; "" while it does not.
  std::string Text() const;

 private:
  std::string Growth(uint64_t used, SteadyTime now);

  Trend trend_;
  LastingSign growing_;
  std::optional<ProcessMemory> told_;  // as others know it
  uint64_t estimated_ = 0;
  bool exceeded_ = false;
  int against_ = 0;  // readings in a row that speak for the other verdict
};

}  // namespace headroom::exporter

// Usage: the measured memory of one model server against what it was admitted with. Pure. Says when
// its figures have moved enough to be told, and when it has been over its estimate for long enough
// that it is no reading's accident; that is said once, until it has been back for as long.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "exporter/memory/sample.h"

namespace headroom::exporter {

class Usage {
 public:
  // The estimate is good to 1.5 %; what is beyond this is no rounding.
  static constexpr double kExceeded = 1.05, kBack = 1.02;
  static constexpr int kReadings = 3;     // in a row, for either change
  static constexpr double kMoved = 0.05;  // of what was told last

  struct Step {
    bool tell = false;      // figures or verdict differ from what was told
    bool exceeded = false;  // with this reading it counts as over its estimate
  };
  // One reading; `estimated` 0 = not known.
  Step Take(const ProcessMemory& memory, uint64_t estimated);

  bool exceeded() const { return exceeded_; }
  const std::optional<ProcessMemory>& told() const { return told_; }
  // "uses 12.3 GiB, 1.3 GiB more than the 11.0 GiB it was admitted with"; "" while it does not.
  std::string Text() const;

 private:
  std::optional<ProcessMemory> told_;  // as others know it
  uint64_t estimated_ = 0;
  bool exceeded_ = false;
  int against_ = 0;  // readings in a row that speak for the other verdict
};

}  // namespace headroom::exporter

// The watchdog's level, as a pure class: fed samples and a `now`, it says the level and whether it
// changed, in either direction. Three signals, each debounced by itself, and the worst one counts:
//   kernel     what the kernel says (macOS); it ignores memory wired for the GPU
//   available  available/total against two thresholds, with hysteresis
//   swap       pages written to swap per second; never more than a warning
// A failed or impossible sample makes the level unknown at once: nothing may be stopped on it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/result.h"
#include "exporter/memory/sample.h"

namespace headroom::exporter {

struct PressureOptions {
  double warning = 0.20;  // of total; available below it
  double critical = 0.10;
  double hysteresis = 0.05;  // a level is left only this far above the threshold it was entered at
  int samples = 2;           // in a row before a signal moves
  uint64_t swapout_warning = 32 << 20;  // bytes per second
  double wired_high = 0.85;             // of total
  std::chrono::seconds max_gap{120};    // samples further apart (the Mac slept) are not "in a row"
};

// Errors name the option: thresholds need 0 < critical < warning < 1, samples >= 1.
Result<void> Validate(const PressureOptions& options);

struct PressureStep {
  Pressure level = Pressure::kUnknown;
  bool changed = false;     // against the step before; a fall to normal is a change like any other
  bool wired_high = false;  // a condition of its own: pressure does not see wired memory
};

class PressureTracker {
 public:
  explicit PressureTracker(PressureOptions options = {}) : options_(options) {}

  PressureStep Step(const Result<MemorySample>& sample, SteadyTime now);
  Pressure level() const { return level_; }

 private:
  // Moves up once `n` samples in a row were above its level, to the lowest of them, and down
  // likewise to the highest: flapping between two levels neither rises to the worse nor alarms
  // twice.
  class Debounced {
   public:
    void Add(Pressure level, int n);
    Pressure level() const { return level_; }  // normal until proved otherwise
    void ForgetRecent() { recent_.clear(); }

   private:
    Pressure level_ = Pressure::kNormal;
    std::vector<Pressure> recent_;  // the last n
  };

  // The level of each signal by this sample alone, given where the signal stands.
  Pressure FromRatio(const MemorySample& sample) const;
  Pressure FromSwap(const MemorySample& sample, SteadyTime now) const;
  Pressure Judge(const MemorySample& sample, SteadyTime now);

  PressureOptions options_;
  Pressure level_ = Pressure::kUnknown;
  Debounced kernel_, available_, swap_;
  std::optional<uint64_t> last_swapouts_;
  std::optional<SteadyTime> last_;
  int good_samples_ = 0;  // since the last failure
};

}  // namespace headroom::exporter

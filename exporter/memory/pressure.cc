#include "exporter/memory/pressure.h"

#include <algorithm>
#include <string>

namespace headroom::exporter {
namespace {

constexpr int kMaxSamples = 60;  // ten minutes at the usual interval; more is a mistake

// A sample that contradicts itself, or whose kernel level we do not understand, is as good as none.
bool Usable(const Result<MemorySample>& sample) {
  return sample && sample->total > 0 && sample->available <= sample->total &&
         sample->kernel_pressure != Pressure::kUnknown;
}

double Share(uint64_t part, uint64_t total) {
  return static_cast<double>(part) / static_cast<double>(total);
}

}  // namespace

Result<void> Validate(const PressureOptions& options) {
  const auto ratio = [](double value) { return value > 0 && value < 1; };
  if (!ratio(options.warning) || !ratio(options.critical)) {
    return Error(Code::kInvalid,
                 "memory pressure thresholds: expected numbers between 0 and 1, found warning " +
                     std::to_string(options.warning) + " and critical " +
                     std::to_string(options.critical));
  }
  if (options.critical >= options.warning) {
    return Error(Code::kInvalid,
                 "memory pressure thresholds: critical (" + std::to_string(options.critical) +
                     ") has to be below warning (" + std::to_string(options.warning) + ")");
  }
  if (!(options.hysteresis >= 0 && options.hysteresis < 1 - options.warning)) {
    return Error(Code::kInvalid, "memory pressure hysteresis: expected 0 up to " +
                                     std::to_string(1 - options.warning) + ", found " +
                                     std::to_string(options.hysteresis));
  }
  if (options.samples < 1 || options.samples > kMaxSamples) {
    return Error(Code::kInvalid, "memory pressure samples: expected 1 to " +
                                     std::to_string(kMaxSamples) + ", found " +
                                     std::to_string(options.samples));
  }
  return {};
}

void PressureTracker::Debounced::Add(Pressure level, int n) {
  recent_.push_back(level);
  if (static_cast<int>(recent_.size()) > n) recent_.erase(recent_.begin());
  if (static_cast<int>(recent_.size()) < n) return;
  const auto [lowest, highest] = std::minmax_element(recent_.begin(), recent_.end());
  if (*lowest > level_) {
    level_ = *lowest;
  } else if (*highest < level_) {
    level_ = *highest;
  }
}

Pressure PressureTracker::FromRatio(const MemorySample& sample) const {
  const double ratio = Share(sample.available, sample.total);
  const Pressure held = available_.level();
  const double leave_critical = held == Pressure::kCritical ? options_.hysteresis : 0;
  const double leave_warning = held >= Pressure::kWarning ? options_.hysteresis : 0;
  if (ratio < options_.critical + leave_critical) return Pressure::kCritical;
  if (ratio < options_.warning + leave_warning) return Pressure::kWarning;
  return Pressure::kNormal;
}

Pressure PressureTracker::FromSwap(const MemorySample& sample, SteadyTime now) const {
  if (!last_ || !last_swapouts_ || !sample.swapouts || now <= *last_) return Pressure::kNormal;
  if (*sample.swapouts < *last_swapouts_) return Pressure::kNormal;  // counted anew
  const double seconds = std::chrono::duration<double>(now - *last_).count();
  const double bytes = static_cast<double>(*sample.swapouts - *last_swapouts_) *
                       static_cast<double>(sample.page_size);
  return bytes / seconds > static_cast<double>(options_.swapout_warning) ? Pressure::kWarning
                                                                         : Pressure::kNormal;
}

Pressure PressureTracker::Judge(const MemorySample& sample, SteadyTime now) {
  if (last_ && now - *last_ > options_.max_gap) {
    for (Debounced* signal : {&kernel_, &available_, &swap_}) signal->ForgetRecent();
    last_swapouts_.reset();
  }
  const Pressure kernel = sample.kernel_pressure.value_or(Pressure::kNormal);
  const Pressure available = FromRatio(sample);
  const Pressure swap = FromSwap(sample, now);
  kernel_.Add(kernel, options_.samples);
  available_.Add(available, options_.samples);
  swap_.Add(swap, options_.samples);
  last_ = now;
  last_swapouts_ = sample.swapouts;
  good_samples_ = std::min(good_samples_ + 1, kMaxSamples);

  const Pressure level = std::max({kernel_.level(), available_.level(), swap_.level()});
  // After a start or a failure a bad sign is neither believed at once nor taken for normal.
  const bool calm = std::max({kernel, available, swap}) == Pressure::kNormal;
  if (level_ == Pressure::kUnknown && level == Pressure::kNormal && !calm &&
      good_samples_ < options_.samples) {
    return Pressure::kUnknown;
  }
  return level;
}

PressureStep PressureTracker::Step(const Result<MemorySample>& sample, SteadyTime now) {
  PressureStep step;
  if (Usable(sample)) {
    step.level = Judge(*sample, now);
    step.wired_high = Share(sample->wired.value_or(0), sample->total) > options_.wired_high;
  } else {
    kernel_ = available_ = swap_ = Debounced();
    last_.reset();
    last_swapouts_.reset();
    good_samples_ = 0;
  }
  step.changed = step.level != level_;
  level_ = step.level;
  return step;
}

}  // namespace headroom::exporter

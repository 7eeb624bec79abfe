#include "exporter/metrics/collector.h"

namespace headroom::exporter {
namespace {

double Number(Pressure level) {
  return level == Pressure::kUnknown ? -1 : static_cast<double>(level);
}

std::optional<double> Seconds(const std::optional<WallTime>& time) {
  if (!time) return std::nullopt;
  return std::chrono::duration<double>(time->time_since_epoch()).count();
}

class PressureCollector final : public Collector {
 public:
  PressureCollector(SampleCache& cache, std::function<WatchdogSeries()> watchdog)
      : cache_(cache), watchdog_(std::move(watchdog)) {}

  std::string_view name() const override { return "pressure"; }

  // The watchdog's own figures are reported even when no sample can be had: then they matter most.
  Result<Families> Collect() override {
    Families out;
    AddWatchdog(out);
    const Result<MemorySample>& sample = cache_.Get();
    if (!sample) return out;
    out.Gauge("headroom_memory_kernel_pressure_level",
              "Pressure as the macOS kernel says it: 1 normal, 2 warning, 4 critical.",
              sample->kernel_pressure_raw);
    out.Gauge("headroom_memory_kernel_free_ratio",
              "Free share as the macOS kernel says it (kern.memorystatus_level).",
              sample->kernel_free_ratio);
    if (sample->stall) {
      out.Gauge("headroom_memory_stall_some_ratio",
                "Share of the last 10 s in which some task waited for memory (Linux PSI).",
                sample->stall->some);
      out.Gauge("headroom_memory_stall_full_ratio",
                "Share of the last 10 s in which all tasks waited for memory (Linux PSI).",
                sample->stall->full);
    }
    return out;
  }

 private:
  void AddWatchdog(Families& out) {
    const WatchdogSeries watchdog = watchdog_();
    out.Gauge("headroom_memory_pressure_level",
              "Pressure as the watchdog judges it: 0 normal, 1 warning, 2 critical, -1 unknown.",
              Number(watchdog.level));
    out.Gauge("headroom_memory_wired_high",
              "1 while more memory is wired than the watchdog's limit.", watchdog.wired_high);
    out.Gauge("headroom_memory_wired_growing",
              "1 while wired memory grows all the time and pages are written out.",
              watchdog.wired_growing);
    out.Gauge("headroom_memory_swapping_out", "1 while memory is swapped out all the time.",
              watchdog.swapping_out);
    out.Gauge("headroom_watchdog_last_sample_timestamp_seconds",
              "When the watchdog last read memory successfully.", Seconds(watchdog.last_sample));
    out.Counter("headroom_watchdog_sample_errors_total",
                "Readings of memory that failed; the level is unknown after one.",
                watchdog.sample_errors);
    out.Counter("headroom_evictions_total", "Models stopped because memory was critical.",
                watchdog.evictions);
    for (const auto& [reason, count] : watchdog.evictions_skipped) {
      out.Counter("headroom_evictions_skipped_total",
                  "Times memory was critical and no model was stopped, by reason.", count,
                  {{"reason", reason}});
    }
  }

  SampleCache& cache_;
  std::function<WatchdogSeries()> watchdog_;
};

}  // namespace

std::unique_ptr<Collector> MakePressureCollector(SampleCache& cache,
                                                 std::function<WatchdogSeries()> watchdog) {
  return std::make_unique<PressureCollector>(cache, std::move(watchdog));
}

}  // namespace headroom::exporter

#include <unistd.h>

#include "exporter/metrics/collector.h"

namespace headroom::exporter {
namespace {

class ProcessCollector final : public Collector {
 public:
  explicit ProcessCollector(MemoryProvider& provider) : provider_(provider) {}

  std::string_view name() const override { return "process"; }

  Result<Families> Collect() override {
    const auto self = provider_.SampleProcess(::getpid());
    if (!self) return self.error();
    Families out;
    out.Gauge("headroom_exporter_resident_bytes", "Resident memory of this exporter.",
              self->resident);
    out.Gauge("headroom_exporter_footprint_bytes",
              "Memory the system charges this exporter for: physical footprint on macOS, "
              "proportional set size and swap on Linux.",
              self->footprint);
    out.Gauge("headroom_exporter_footprint_peak_bytes",
              "Largest footprint since start; largest resident memory on Linux.",
              self->footprint_peak);
    return out;
  }

 private:
  MemoryProvider& provider_;
};

}  // namespace

std::unique_ptr<Collector> MakeProcessCollector(MemoryProvider& provider) {
  return std::make_unique<ProcessCollector>(provider);
}

}  // namespace headroom::exporter

#include "exporter/memory/metal_probe.h"
#include "exporter/metrics/collector.h"

namespace headroom::exporter {
namespace {

class GpuCollector final : public Collector {
 public:
  explicit GpuCollector(SampleCache& cache) : cache_(cache) {}

  std::string_view name() const override { return "gpu"; }

  Result<Families> Collect() override {
    const Result<MemorySample>& sample = cache_.Get();
    if (!sample) return sample.error();
    Families out;
    AddProbe(*sample, out);
    AddSettings(sample->gpu, out);
    return out;
  }

 private:
  static void AddProbe(const MemorySample& sample, Families& out) {
    const GpuSample& gpu = sample.gpu;
    if (!gpu.device.empty()) {
      out.Gauge("headroom_gpu_info", "The Metal device; always 1.", 1, {{"device", gpu.device}});
    }
    out.Gauge("headroom_gpu_working_set_limit_bytes",
              "Memory Metal recommends one process to keep resident (last probe).",
              gpu.working_set_limit);
    if (gpu.working_set_limit) {
      out.Gauge("headroom_gpu_working_set_doubtful",
                "1 if the limit is far below what macOS gives a machine of this size.",
                WorkingSetDoubtful(sample));
    }
    out.Gauge("headroom_gpu_max_buffer_bytes", "Largest Metal buffer (last probe).",
              gpu.max_buffer);
    out.Gauge("headroom_gpu_in_use_memory_bytes",
              "Memory the GPU driver has in use for all processes (last probe).",
              gpu.in_use_memory);
    out.Gauge(
        "headroom_gpu_allocated_memory_bytes",
        "Memory the GPU driver has allocated for all processes, resident or not (last probe).",
        gpu.allocated_memory);
    out.Counter("headroom_gpu_recoveries_total",
                "Times the GPU driver had to restart the GPU (last probe).", gpu.recoveries);
    if (gpu.probed_at) {
      out.Gauge("headroom_gpu_probe_timestamp_seconds", "When the GPU was last probed.",
                std::chrono::duration<double>(gpu.probed_at->time_since_epoch()).count());
    }
  }

  static void AddSettings(const GpuSample& gpu, Families& out) {
    out.Gauge("headroom_gpu_wired_limit_override_bytes",
              "Setting iogpu.wired_limit_mb; 0 is the system's default policy.",
              gpu.wired_limit_override);
    out.Gauge("headroom_gpu_wired_low_water_mark_bytes", "Setting iogpu.wired_lwm_mb.",
              gpu.wired_low_water_mark);
    out.Gauge("headroom_gpu_dynamic_low_water_mark", "Setting iogpu.dynamic_lwm: 1 is on.",
              gpu.dynamic_low_water_mark);
    out.Gauge("headroom_gpu_wired_collector_disabled",
              "Setting iogpu.disable_wired_collector: 1 keeps idle models wired.",
              gpu.wired_collector_disabled);
  }

  SampleCache& cache_;
};

}  // namespace

std::unique_ptr<Collector> MakeGpuCollector(SampleCache& cache) {
  return std::make_unique<GpuCollector>(cache);
}

}  // namespace headroom::exporter

// The names of LLMKube's metal agent, for its dashboards and alerts. Not here: the duration of
// health checks, power, and what only describes that agent's own loops.
#include <algorithm>

#include "exporter/metrics/collector.h"

namespace headroom::exporter {
namespace {

class LlmkubeCollector final : public Collector {
 public:
  LlmkubeCollector(SampleCache& cache, std::function<WatchdogSeries()> watchdog,
                   std::function<ServingSeries()> serving)
      : cache_(cache), watchdog_(std::move(watchdog)), serving_(std::move(serving)) {}

  std::string_view name() const override { return "llmkube"; }

  Result<Families> Collect() override {
    Families out;
    AddModels(serving_(), out);
    AddWatchdog(watchdog_(), out);
    const Result<MemorySample>& sample = cache_.Get();
    if (!sample) return out;
    out.Gauge("llmkube_metal_agent_system_memory_available_bytes", "Available system memory.",
              sample->available);
    out.Gauge("llmkube_metal_agent_system_memory_wired_bytes", "Wired system memory.",
              sample->wired);
    return out;
  }

 private:
  static void AddModels(const ServingSeries& serving, Families& out) {
    const auto running = std::count_if(serving.models.begin(), serving.models.end(),
                                       [](const ModelSeries& model) { return model.up; });
    out.Gauge("llmkube_metal_agent_managed_processes", "Model servers that run now.", running);
    if (serving.node) {
      out.Gauge("llmkube_metal_agent_memory_budget_bytes", "Memory granted to models.",
                serving.node->budget);
    }
    for (const ModelSeries& model : serving.models) {
      const Families::Labels labels = {{"name", model.name}, {"namespace", model.ns}};
      if (model.up) {
        out.Gauge("llmkube_metal_agent_process_healthy", "1 while the model server is healthy.",
                  model.ready, labels);
      }
      out.Counter("llmkube_metal_agent_process_restarts_total", "Restarts of the model server.",
                  model.restarts, labels);
      out.Gauge("llmkube_metal_agent_memory_estimated_bytes",
                "Estimated memory of the model server.", model.estimated, labels);
      out.Gauge("llmkube_metal_agent_process_rss_bytes", "Resident memory of the model server.",
                model.resident, labels);
    }
  }

  static void AddWatchdog(const WatchdogSeries& watchdog, Families& out) {
    if (watchdog.level != Pressure::kUnknown) {
      out.Gauge("llmkube_metal_agent_memory_pressure_level",
                "Memory pressure: 0 normal, 1 warning, 2 critical.",
                static_cast<double>(watchdog.level));
    }
    out.Counter("llmkube_metal_agent_evictions_total", "Models stopped under memory pressure.",
                watchdog.evictions);
    for (const auto& [reason, count] : watchdog.evictions_skipped) {
      out.Counter("llmkube_metal_agent_evictions_skipped_total",
                  "Times memory was critical and no model was stopped.", count,
                  {{"reason", reason}});
    }
  }

  SampleCache& cache_;
  std::function<WatchdogSeries()> watchdog_;
  std::function<ServingSeries()> serving_;
};

}  // namespace

std::unique_ptr<Collector> MakeLlmkubeCollector(SampleCache& cache,
                                                std::function<WatchdogSeries()> watchdog,
                                                std::function<ServingSeries()> serving) {
  return std::make_unique<LlmkubeCollector>(cache, std::move(watchdog), std::move(serving));
}

}  // namespace headroom::exporter

// A collector contributes some families to each scrape. One file per collector; to add one, write
// the class, declare its Make function here and list it in main.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "exporter/memory/sample_cache.h"
#include "exporter/metrics/families.h"
#include "exporter/metrics/series.h"

namespace headroom::exporter {

class Collector {
 public:
  virtual ~Collector() = default;
  virtual std::string_view name() const = 0;  // as in ?collect[]= and the collector label
  // An error costs this collector's series and nothing else.
  virtual Result<Families> Collect() = 0;
};

struct BuildInfo {
  std::string version;
  std::string revision;
};

// All references outlive the collector; functions are called once per scrape.
std::unique_ptr<Collector> MakeMemoryCollector(SampleCache& cache);
std::unique_ptr<Collector> MakePressureCollector(SampleCache& cache,
                                                 std::function<WatchdogSeries()> watchdog);
std::unique_ptr<Collector> MakeGpuCollector(SampleCache& cache);
std::unique_ptr<Collector> MakeProcessCollector(MemoryProvider& provider);
std::unique_ptr<Collector> MakeModelsCollector(std::function<ServingSeries()> serving);
std::unique_ptr<Collector> MakeRuntimeCollector(
    std::function<std::vector<RuntimeSeries>()> servers);
std::unique_ptr<Collector> MakeFeedsCollector(std::function<std::vector<FeedSeries>()> feeds);
// --compat-metrics=llmkube
std::unique_ptr<Collector> MakeLlmkubeCollector(SampleCache& cache,
                                                std::function<WatchdogSeries()> watchdog,
                                                std::function<ServingSeries()> serving);
std::unique_ptr<Collector> MakeInfoCollector(BuildInfo build, HostInfo host);

}  // namespace headroom::exporter

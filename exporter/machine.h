// Machine: this computer's memory as the rest of the exporter sees it: the shared sample, the
// watchdog's level, the GPU facts of the probe child, and from these what the node can hold.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "estimator/budget.h"
#include "exporter/memory/history.h"
#include "exporter/memory/pressure.h"
#include "exporter/memory/process_cache.h"
#include "exporter/memory/provider.h"
#include "exporter/memory/sample_cache.h"
#include "exporter/memory/trend.h"
#include "exporter/metrics/series.h"
#include "exporter/models/manager.h"
#include "net/process.h"

namespace headroom::exporter {

struct MachineOptions {
  std::string node_name;
  std::string budget;  // as ResolveNodeBudget() takes it
  std::string metrics_address;
  std::chrono::milliseconds watchdog_interval{10'000};
  PressureOptions pressure;
};

class Machine {
 public:
  Machine(MachineOptions options, std::unique_ptr<MemoryProvider> provider);

  // Samples until cancelled; `on_look` hears of each sample.
  using OnLook =
      std::function<void(const PressureStep&, const TrendStep&, const Result<MemorySample>&)>;
  boost::asio::awaitable<void> RunWatchdog(OnLook on_look);
  // Asks the Metal driver, in a child (see metal_probe.h): once, and now and then.
  boost::asio::awaitable<void> ProbeOnce(net::Reaper& reaper);
  boost::asio::awaitable<void> RunProbe(net::Reaper& reaper);

  // What this node publishes of itself. Errors: no sample.
  Result<estimator::NodeCapacity> Capacity(uint64_t committed, const std::string& runtime_version);
  ServingSeries Serving(const std::vector<ModelView>& models, uint64_t committed);
  WatchdogSeries Watchdog() const { return watchdog_; }
  Result<MemorySample> Sample() { return cache_.Get(); }
  ProcessCache& processes() { return processes_; }

  const History& history() const { return history_; }
  SampleCache& cache() { return cache_; }
  MemoryProvider& provider() { return *provider_; }
  const HostInfo& host() const { return host_; }
  std::string accelerator() const { return host_.system == "Darwin" ? "metal" : "cpu"; }
  Pressure pressure() const { return tracker_.level(); }

 private:
  MachineOptions options_;
  std::unique_ptr<MemoryProvider> provider_;
  SampleCache cache_;
  ProcessCache processes_;
  bool gpu_found_ = false;  // by a Metal probe
  PressureTracker tracker_;
  MemoryTrends trends_;
  WatchdogSeries watchdog_;
  History history_;
  HostInfo host_;
};

// The path of the running program, for its own children.
std::string OwnExecutable();

}  // namespace headroom::exporter

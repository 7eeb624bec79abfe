#include "exporter/machine.h"

#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif
#include <filesystem>

#include "common/checked.h"
#include "common/log.h"
#include "exporter/memory/metal_probe.h"
#include "exporter/node/capacity.h"

namespace headroom::exporter {

namespace asio = boost::asio;

namespace {

// The limits change only by sysctl; the driver's counts are worth a child this often.
constexpr std::chrono::minutes kProbeInterval{5};
constexpr std::chrono::minutes kForever{60 * 24 * 365};

}  // namespace

std::string OwnExecutable() {
#ifdef __APPLE__
  char path[4096];
  uint32_t size = sizeof path;
  return _NSGetExecutablePath(path, &size) == 0 ? path : "";
#else
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).string();
#endif
}

Machine::Machine(MachineOptions options, std::unique_ptr<MemoryProvider> provider)
    : options_(std::move(options)),
      provider_(std::move(provider)),
      cache_(*provider_),
      processes_(*provider_),
      tracker_(options_.pressure),
      host_(provider_->Host()) {}

asio::awaitable<void> Machine::RunWatchdog(OnLook on_look) {
  for (;;) {
    const Result<MemorySample>& sample = cache_.Get();
    if (sample) {
      watchdog_.last_sample = sample->taken_at;
    } else {
      ++watchdog_.sample_errors;
      LogWarn("memory cannot be read", {{"error", sample.error()}});
    }
    const PressureStep step = tracker_.Step(sample, std::chrono::steady_clock::now());
    watchdog_.level = step.level;
    watchdog_.wired_high = step.wired_high;
    const TrendStep trend = trends_.Step(sample, std::chrono::steady_clock::now());
    watchdog_.wired_growing = trend.wired_growing;
    watchdog_.swapping_out = trend.swapping_out;
    for (const std::string& news : trend.news) LogWarn(news);
    history_.Add(std::chrono::system_clock::now(),
                 sample ? std::optional(sample->available) : std::nullopt, step.level);
    if (step.changed) {
      Log(step.level == Pressure::kNormal ? LogLevel::kInfo : LogLevel::kWarn,
          "memory pressure changed", {{"level", ToString(step.level)}});
    }
    on_look(step, trend, sample);
    co_await net::SleepFor(options_.watchdog_interval);
  }
}

asio::awaitable<void> Machine::ProbeOnce(net::Reaper& reaper) {
  net::SpawnOptions child;
  child.executable = OwnExecutable();
  child.arguments = {"--probe-metal"};
  const net::Deadline deadline = net::After(kMetalProbeTimeout);
  const auto output = co_await net::Capture(reaper, std::move(child), deadline);
  const auto probe = output ? ParseMetalProbe(output->output) : output.error();
  if (!probe) {
    LogWarn("the Metal probe failed; GPU limits stay as they were", {{"error", probe.error()}});
    co_return;
  }
  // A session may find no device for a while (Metal returns nil): the limits known so far hold.
  if (probe->device.empty() && gpu_found_) co_return;
  gpu_found_ = !probe->device.empty();
  cache_.SetProbe(*probe, std::chrono::system_clock::now());
}

asio::awaitable<void> Machine::RunProbe(net::Reaper& reaper) {
  for (;;) {
    // Elsewhere there is no Metal, now or later.
    const bool again = host_.system == "Darwin";
    co_await net::SleepFor(again ? kProbeInterval : kForever);
    co_await ProbeOnce(reaper);
  }
}

Result<estimator::NodeCapacity> Machine::Capacity(uint64_t committed,
                                                  const std::string& runtime_version) {
  const Result<MemorySample>& sample = cache_.Get();
  if (!sample) return sample.error();
  auto node = MakeCapacity(
      *sample, tracker_.level(), committed,
      {options_.node_name, options_.budget, runtime_version, options_.metrics_address});
  if (node) {
    node->observed_at = std::chrono::system_clock::now();
    node->accelerator = accelerator();  // a Mac is one before its driver has answered, too
  }
  return node;
}

ServingSeries Machine::Serving(const std::vector<ModelView>& models, uint64_t committed) {
  ServingSeries series;
  for (const ModelView& model : models) {
    ModelSeries one{.ns = model.ns, .name = model.name};
    if (model.pid != 0) {
      if (const auto memory = processes_.Get(model.pid)) {
        one.footprint = memory->footprint;
        one.footprint_peak = memory->footprint_peak;
        one.resident = memory->resident;
      }
    }
    if (model.footprint != 0) one.estimated = model.footprint;
    one.up = model.pid != 0;
    one.growing = model.growing;
    one.ready = model.state == State::kReady;
    one.restarts = static_cast<uint64_t>(model.restarts);
    one.started = model.started;
    if (model.load_duration) {
      one.load_seconds = std::chrono::duration<double>(*model.load_duration).count();
    }
    if (model.download) {
      one.download = model.download->bytes;
      one.download_total = model.download->total;
    }
    series.models.push_back(std::move(one));
  }
  if (const auto capacity = Capacity(committed, "")) {
    const uint64_t budget = capacity->memory_budget.value_or(0);
    series.node =
        NodeBudget{budget, committed, SaturatingSub(budget, committed), capacity->budget_source};
  }
  return series;
}

}  // namespace headroom::exporter

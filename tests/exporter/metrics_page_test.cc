// Whole pages, from recorded machines to text. HEADROOM_UPDATE_GOLDEN=1 writes them anew.
#include <gtest/gtest.h>

#include <cstdlib>

#include "common/files.h"
#include "exporter/memory/metal_probe.h"
#include "exporter/metrics/scraper.h"
#include "tests/exporter/memory_recorded.h"

namespace headroom::exporter {
namespace {

const std::string kData = std::string(HEADROOM_TEST_DATA) + "/metrics";

// A Mac: the recorded reading through the real decoder.
struct RecordedMac : MemoryProvider {
  Result<MemorySample> Sample() override {
    DarwinReading reading = Healthy64();
    reading.vm.pageins = 8123456;
    reading.vm.pageouts = 9182;
    reading.vm.swapins = 1290441;
    reading.vm.swapouts = 1502113;
    reading.vm.compressions = 40216622;
    reading.vm.decompressions = 33480127;
    reading.memsize_usable = 67108864000;
    reading.swap = SwapUsage{.total = 19327352832,
                             .avail = 1227352832,
                             .used = 18100000000,
                             .pagesize = 16384,
                             .encrypted = 1};
    reading.wired_limit_mb = 0;
    reading.wired_lwm_mb = 0;
    reading.dynamic_lwm = 1;
    reading.collector_disabled = 0;
    return DecodeDarwinMemory(reading);
  }
  Result<ProcessMemory> SampleProcess(pid_t) override {
    return ProcessMemory{.resident = 9437184, .footprint = 4194304, .footprint_peak = 5242880};
  }
  HostInfo Host() override {
    return {.system = "Darwin",
            .model = "Mac17,6",
            .chip = "Apple M5 Pro",
            .os_version = "26.1",
            .page_size = kPage};
  }
};

// The Linux files of tests/data/metrics/linux; process 42 stands for ourselves.
struct RecordedLinux : MemoryProvider {
  std::unique_ptr<MemoryProvider> files = MakeMemoryProvider(kData + "/linux");
  Result<MemorySample> Sample() override { return files->Sample(); }
  Result<ProcessMemory> SampleProcess(pid_t) override { return files->SampleProcess(42); }
  HostInfo Host() override {
    HostInfo host = files->Host();
    host.page_size = 4096;
    host.system = "Linux";
    return host;
  }
};

WallTime At(int64_t seconds) { return WallTime(std::chrono::seconds(seconds)); }

ServingSeries TwoModels() {
  ModelSeries served{.ns = "default", .name = "llama"};
  served.footprint = 15400000000;
  served.footprint_peak = 16000000000;
  served.resident = 7200000000;
  served.estimated = 15900000000;
  served.up = served.ready = true;
  served.restarts = 1;
  served.started = At(1760000000);
  served.load_seconds = 12.345;
  ModelSeries waiting{.ns = "team-\"b\"", .name = "qwen"};
  waiting.estimated = 9000000000;
  waiting.download = 1000000000;
  waiting.download_total = 8000000000;
  return {.models = {served, waiting},
          .node = NodeBudget{48 * kGiB, 24900000000, 48 * kGiB - 24900000000, "adaptive 0.75"}};
}

WatchdogSeries Watchdog() {
  return {.level = Pressure::kNormal,
          .last_sample = At(1760000100),
          .sample_errors = 2,
          .evictions = 0,
          .evictions_skipped = {{"disabled", 1}, {"floor", 0}}};
}

std::vector<FeedSeries> Feeds() {
  return {
      {.kind = "Model", .synced = true, .events = 12, .relists = 1, .last_contact = At(1760000090)},
      {.kind = "InferenceService"}};
}

// Two servers with one recorded page, and one that has never answered.
std::vector<RuntimeSeries> Servers() {
  const auto page = ReadFile(std::string(HEADROOM_TEST_DATA) + "/llama-server/metrics-0.7.0.txt");
  std::vector<RuntimeSeries> out;
  for (const char* name : {"llama", "gemma"}) {
    out.push_back({"default", name, true, 0.002, At(1760000101),
                   *ParseExposition(*page, {{"namespace", "default"}, {"name", name}})});
  }
  out.push_back({.ns = "default", .name = "hung"});
  return out;
}

std::string Page(MemoryProvider& provider, std::string_view probe) {
  SteadyTime now{};
  SampleCache cache(provider, [&now] { return now; });
  cache.SetProbe(*ParseMetalProbe(probe), At(1760000050));
  std::vector<std::unique_ptr<Collector>> collectors;
  collectors.push_back(MakeMemoryCollector(cache));
  collectors.push_back(MakePressureCollector(cache, &Watchdog));
  collectors.push_back(MakeGpuCollector(cache));
  collectors.push_back(MakeProcessCollector(provider));
  collectors.push_back(MakeModelsCollector(&TwoModels));
  collectors.push_back(MakeFeedsCollector(&Feeds));
  collectors.push_back(MakeLlmkubeCollector(cache, &Watchdog, &TwoModels));
  collectors.push_back(MakeRuntimeCollector(&Servers));
  collectors.push_back(MakeInfoCollector({"0.1.0", "unknown"}, provider.Host()));
  Scraper scraper(std::move(collectors), [&now] { return now += std::chrono::microseconds(250); });
  return *scraper.Scrape({});
}

void ExpectGolden(const std::string& text, const std::string& file) {
  const std::string path = kData + "/" + file;
  if (std::getenv("HEADROOM_UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(WriteFileAtomically(path, text));
  }
  const auto golden = ReadFile(path);
  ASSERT_TRUE(golden) << golden.error().message();
  EXPECT_EQ(text, *golden) << "if this is intended: HEADROOM_UPDATE_GOLDEN=1";
}

TEST(MetricsPage, OfAMac) {
  RecordedMac mac;
  const auto probe = ReadFile(kData + "/darwin/probe.json");
  ASSERT_TRUE(probe);
  ExpectGolden(Page(mac, *probe), "darwin.prom");
}

TEST(MetricsPage, OfALinuxHost) {
  RecordedLinux host;
  ExpectGolden(Page(host, R"({"metal":null,"reason":"this system has no Metal"})"), "linux.prom");
}

TEST(MetricsPage, EverySeriesIsDocumented) {
  const auto docs = ReadFile(std::string(HEADROOM_TEST_DATA) + "/../../docs/metrics.md");
  ASSERT_TRUE(docs);
  for (const char* file : {"/darwin.prom", "/linux.prom"}) {
    const auto page = ReadFile(kData + file);
    ASSERT_TRUE(page);
    constexpr std::string_view kType = "# TYPE ";
    for (size_t at = page->find(kType); at != std::string::npos; at = page->find(kType, at)) {
      at += kType.size();
      const std::string name = page->substr(at, page->find(' ', at) - at);
      if (name.starts_with("llamacpp_")) continue;  // llama-server's own
      EXPECT_NE(docs->find("`" + name), std::string::npos) << name;
    }
  }
}

}  // namespace
}  // namespace headroom::exporter

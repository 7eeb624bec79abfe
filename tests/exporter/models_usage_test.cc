#include <gtest/gtest.h>

#include "exporter/memory/process_cache.h"
#include "exporter/models/usage.h"

namespace headroom::exporter {
namespace {

using namespace std::chrono_literals;

constexpr uint64_t kGiB = uint64_t{1} << 30;

ProcessMemory Uses(double gib) {
  const auto bytes = static_cast<uint64_t>(gib * kGiB);
  return {.resident = bytes / 2, .footprint = bytes};
}

TEST(Usage, OverItsEstimateIsSaidOnceAndDebounced) {
  const struct {
    double gib;
    bool says, exceeded;
  } readings[] = {
      {9.0, false, false},  {10.4, false, false},  // within the estimate's error
      {10.6, false, false}, {10.6, false, false}, {10.4, false, false},  // a spike
      {10.6, false, false}, {10.6, false, false}, {11.0, true, true},
      {12.0, false, true},  {12.0, false, true},  {10.3, false, true},  // not back far enough
      {10.1, false, true},  {10.1, false, true},  {10.1, false, false},
      {11.0, false, false}, {11.0, false, false}, {11.0, true, true},
  };
  Usage usage;
  int i = 0;
  for (const auto& reading : readings) {
    const auto step = usage.Take(Uses(reading.gib), 10 * kGiB, SteadyTime());
    EXPECT_EQ(step.exceeded, reading.says) << i;
    EXPECT_EQ(usage.exceeded(), reading.exceeded) << i++;
  }
  EXPECT_EQ(usage.Text(), "uses 11.0 GiB, 1.0 GiB more than the 10.0 GiB it was admitted with");
}

TEST(Usage, SaysOnceThatItGrowsBeyondItsEstimateBeforeItIs) {
  struct Case {
    double begin, step;  // GiB, and GiB a reading
    const char* says;
  } const cases[] = {
      {9.0, 0.03,
       "grew by 921.6 MiB to 10.2 GiB in 7 min; if it goes on so it will soon take more than the "
       "10.0 GiB it was admitted with"},
      {2.0, 0.03, ""},    // as a cache that fills
      {9.9, 0.0005, ""},  // as noise
      {9.9, -0.03, ""},
  };
  for (const Case& c : cases) {
    Usage usage;
    std::string said;
    bool exceeded = false;
    SteadyTime now{};
    for (int i = 0; i < 45; ++i) {
      const auto step = usage.Take(Uses(c.begin + i * c.step), 10 * kGiB, now += 10s);
      EXPECT_TRUE(step.grows.empty() || !exceeded) << "before, not after";
      exceeded = exceeded || usage.exceeded();
      said += step.grows;
    }
    EXPECT_EQ(said, c.says) << c.begin;
  }
}

TEST(Usage, TellsFiguresOnlyWhenTheyMoved) {
  Usage usage;
  EXPECT_TRUE(usage.Take(Uses(1.0), 10 * kGiB, SteadyTime()).tell);
  EXPECT_FALSE(usage.Take(Uses(1.0), 10 * kGiB, SteadyTime()).tell);
  EXPECT_FALSE(usage.Take(Uses(1.04), 10 * kGiB, SteadyTime()).tell);
  EXPECT_TRUE(usage.Take(Uses(1.06), 10 * kGiB, SteadyTime()).tell)
      << "against what was told, not the last one";
  EXPECT_FALSE(usage.Take(Uses(1.1), 10 * kGiB, SteadyTime()).tell);
  EXPECT_TRUE(usage.Take(Uses(0.9), 10 * kGiB, SteadyTime()).tell);
  EXPECT_EQ(usage.Text(), "");
}

TEST(Usage, AnUnknownEstimateIsNeverExceeded) {
  Usage usage;
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(usage.Take(Uses(99), 0, SteadyTime()).exceeded);
}

TEST(Usage, ResidentMemoryStandsInForAFootprintThatCannotBeRead) {
  Usage usage;
  bool said = false;
  for (int i = 0; i < 3; ++i)
    said = usage.Take({.resident = 2 * kGiB}, kGiB, SteadyTime()).exceeded;
  EXPECT_TRUE(said);
}

struct SlowProvider : MemoryProvider {
  explicit SlowProvider(SteadyTime& now) : now(now) {}
  Result<MemorySample> Sample() override { return Error(Code::kIo, ""); }
  Result<ProcessMemory> SampleProcess(pid_t pid) override {
    ++readings;
    now += cost;
    if (pid == 0) return Error(Code::kNotFound, "gone");
    return ProcessMemory{.resident = static_cast<uint64_t>(readings)};
  }
  HostInfo Host() override { return {}; }
  SteadyTime& now;
  SteadyTime::duration cost = 1ms;
  int readings = 0;
};

TEST(ProcessCache, ReadsNoMoreThanAHundredthOfTheTime) {
  SteadyTime now{};
  SlowProvider provider(now);
  ProcessCache cache(provider, [&now] { return now; });
  EXPECT_EQ(cache.Get(7)->resident, 1u);
  now += 999ms;
  EXPECT_EQ(cache.Get(7)->resident, 1u);
  now += 1ms;
  provider.cost = 500ms;
  EXPECT_EQ(cache.Get(7)->resident, 2u);
  now += 49s;
  EXPECT_EQ(cache.Get(7)->resident, 2u);
  now += 1s;
  EXPECT_EQ(cache.Get(7)->resident, 3u);
  EXPECT_FALSE(cache.Get(0)) << "a failure is remembered as well";
  EXPECT_FALSE(cache.Get(0));
  EXPECT_EQ(provider.readings, 4);
  cache.Keep({0});
  EXPECT_EQ(cache.Get(7)->resident, 5u) << "a pid may come back as another process";
}

}  // namespace
}  // namespace headroom::exporter

// Sequences of samples against the levels they must give: each letter of a script is one sample.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "exporter/memory/pressure.h"
#include "exporter/memory/sample_cache.h"

namespace headroom::exporter {
namespace {

using std::chrono::seconds;

MemorySample Available(double ratio) {
  MemorySample sample;
  sample.total = 64ull << 30;
  sample.available = static_cast<uint64_t>(ratio * static_cast<double>(sample.total));
  sample.page_size = 16384;
  return sample;
}

// n 0.50, e 0.22 (between leave and enter of warning), w 0.17, d 0.12 (the same of critical),
// c 0.05; upper case the kernel's level with 0.50 available: N, W, C, U unknown; x a failed sample,
// z a sample of zeros, o one with more available than total.
Result<MemorySample> FromLetter(char letter) {
  auto with_kernel = [](Pressure level) {
    MemorySample sample = Available(0.5);
    sample.kernel_pressure = level;
    return sample;
  };
  MemorySample odd = Available(0.5);
  switch (letter) {
    case 'n': return Available(0.50);
    case 'e': return Available(0.22);
    case 'w': return Available(0.17);
    case 'd': return Available(0.12);
    case 'c': return Available(0.05);
    case 'N': return with_kernel(Pressure::kNormal);
    case 'W': return with_kernel(Pressure::kWarning);
    case 'C': return with_kernel(Pressure::kCritical);
    case 'U': return with_kernel(Pressure::kUnknown);
    case 'z': return MemorySample();
    case 'o': odd.available = odd.total + 1; return odd;
    default: return Error(Code::kIo, "host_statistics64: (os/kern) failure");
  }
}

char Letter(Pressure level) { return "NWC?"[static_cast<int>(level)]; }

std::string LevelsOf(std::string_view script, int samples) {
  PressureTracker tracker({.samples = samples});
  std::string levels;
  SteadyTime now{};
  for (const char letter : script) {
    const Pressure before = tracker.level();
    const PressureStep step = tracker.Step(FromLetter(letter), now += seconds(10));
    EXPECT_EQ(step.changed, step.level != before);
    levels += Letter(step.level);
  }
  return levels;
}

TEST(Pressure, Sequences) {
  const struct {
    int samples;
    const char* script;
    const char* levels;
    const char* why;
  } kCases[] = {
      {1, "nwcwn", "NWCWN", "thresholds; 0.17 is above 0.15, so critical ends"},
      {1, "nwen", "NWWN", "warning is left above 0.25 only"},
      {1, "ncdwn", "NCCWN", "critical is left above 0.15 only"},
      {1, "ned", "NNW", "no hysteresis on the way in"},
      {2, "nwnwn", "NNNNN", "single bad samples do not alarm"},
      {2, "nwwnn", "NNWWN", "two in a row do, and two to come back"},
      {2, "nwcwc", "NNWWW", "flapping above settles on the lower level"},
      {2, "nccncc", "NNCCCC", "one good sample does not end critical"},
      {2, "nccwnwnn", "NNCCWWWN", "falling goes to the higher of the two"},
      {3, "ncccnnn", "NNNCCCN", "three in a row"},
      {2, "nccxcc", "NNC??C", "a failed sample is unknown at once and starts over"},
      {2, "cxcxcx", "??????", "failures never add up to critical"},
      {2, "cc", "?C", "a bad start is not called normal, nor believed at once"},
      {2, "cn", "?N", "a bad start that was nothing"},
      {1, "c", "C", "without debouncing at once"},
      {2, "xn", "?N", "recovery of the sampler"},
      {2, "nzn", "N?N", "zeros are a failure, not zero available"},
      {2, "non", "N?N", "more available than total is a failure"},
      {1, "NWCWN", "NWCWN", "the kernel's level needs no threshold"},
      {1, "NUC", "N?C", "a level we do not know is a failed sample"},
      {2, "NWwNn", "NNNNN", "one sign each of two signals is not two in a row"},
      {2, "NCCNNn", "NNCCNN", "kernel critical ends although its hysteresis is not ours"},
      {1, "Ccn", "CCN", "the worse signal counts"},
  };
  for (const auto& c : kCases)
    EXPECT_EQ(LevelsOf(c.script, c.samples), c.levels) << c.script << ": " << c.why;
}

TEST(Pressure, ReturnToNormalIsReported) {
  PressureTracker tracker({.samples = 1});
  SteadyTime now{};
  EXPECT_TRUE(tracker.Step(FromLetter('c'), now += seconds(10)).changed);
  EXPECT_FALSE(tracker.Step(FromLetter('c'), now += seconds(10)).changed);
  const PressureStep back = tracker.Step(FromLetter('n'), now += seconds(10));
  EXPECT_TRUE(back.changed);
  EXPECT_EQ(back.level, Pressure::kNormal);
}

TEST(Pressure, SamplesAcrossASleepAreNotInARow) {
  PressureTracker tracker({.samples = 2, .max_gap = seconds(60)});
  SteadyTime now{};
  tracker.Step(FromLetter('n'), now);
  tracker.Step(FromLetter('c'), now += seconds(10));
  EXPECT_EQ(tracker.Step(FromLetter('c'), now += seconds(3600)).level, Pressure::kNormal);
  EXPECT_EQ(tracker.Step(FromLetter('c'), now += seconds(10)).level, Pressure::kCritical);
}

TEST(Pressure, HeavySwappingWarnsButIsNeverCritical) {
  PressureTracker tracker({.samples = 2, .swapout_warning = 32 << 20});
  SteadyTime now{};
  MemorySample sample = Available(0.5);
  std::string levels;
  for (const uint64_t swapouts : {0ull, 100000ull, 200000ull, 9000000000ull, 9000000000ull, 5ull,
                                  5ull}) {  // 100000 x 16 KiB in 10 s = 156 MiB/s; a restart
    sample.swapouts = swapouts;
    levels += Letter(tracker.Step(sample, now += seconds(10)).level);
  }
  EXPECT_EQ(levels, "NNWWWNN");
}

TEST(Pressure, ClockThatStandsStillGivesNoRate) {
  PressureTracker tracker({.samples = 1});
  MemorySample sample = Available(0.5);
  sample.swapouts = 0;
  tracker.Step(sample, SteadyTime{});
  sample.swapouts = 1 << 30;
  EXPECT_EQ(tracker.Step(sample, SteadyTime{}).level, Pressure::kNormal);
}

TEST(Pressure, WiredIsAConditionOfItsOwn) {
  PressureTracker tracker({.samples = 1});
  MemorySample sample = Available(0.5);
  sample.kernel_pressure = Pressure::kNormal;
  sample.wired = 60ull << 30;
  const PressureStep step = tracker.Step(sample, SteadyTime{});
  EXPECT_EQ(step.level, Pressure::kNormal);
  EXPECT_TRUE(step.wired_high);
  EXPECT_FALSE(tracker.Step(Available(0.5), SteadyTime{}).wired_high);
}

TEST(Pressure, OptionsAreChecked) {
  EXPECT_TRUE(Validate({}));
  EXPECT_EQ(Validate({.warning = 0.1, .critical = 0.2}).error().message(),
            "memory pressure thresholds: critical (0.200000) has to be below warning (0.100000)");
  EXPECT_FALSE(Validate({.warning = 1.5}));
  EXPECT_FALSE(Validate({.critical = 0}));
  EXPECT_FALSE(Validate({.warning = std::stod("nan")}));
  EXPECT_FALSE(Validate({.hysteresis = -0.1}));
  EXPECT_FALSE(Validate({.samples = 0}));
}

struct CountingProvider : MemoryProvider {
  int reads = 0;
  bool fail = false;
  Result<MemorySample> Sample() override {
    ++reads;
    if (fail) return Error(Code::kIo, "broken");
    return Available(0.5);
  }
  Result<ProcessMemory> SampleProcess(pid_t) override { return ProcessMemory(); }
  HostInfo Host() override { return {}; }
};

TEST(SampleCache, ReadsAtMostOnceASecond) {
  CountingProvider provider;
  SteadyTime now{};
  SampleCache cache(provider, [&now] { return now; });
  EXPECT_TRUE(cache.Get());
  now += std::chrono::milliseconds(999);
  cache.Get();
  EXPECT_EQ(provider.reads, 1);
  now += std::chrono::milliseconds(1);
  provider.fail = true;
  EXPECT_FALSE(cache.Get());
  EXPECT_FALSE(cache.Get());
  EXPECT_EQ(provider.reads, 2);
}

TEST(SampleCache, ProbeIsLaidOverEverySample) {
  CountingProvider provider;
  SteadyTime now{};
  SampleCache cache(provider, [&now] { return now; });
  cache.Get();
  GpuSample probe;
  probe.working_set_limit = 50ull << 30;
  cache.SetProbe(probe, WallTime{});
  EXPECT_EQ(cache.Get()->gpu.working_set_limit, 50ull << 30);
  now += seconds(2);
  EXPECT_EQ(cache.Get()->gpu.working_set_limit, 50ull << 30);
}

}  // namespace
}  // namespace headroom::exporter

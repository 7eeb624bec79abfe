#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "exporter/memory/linux_decode.h"
#include "exporter/memory/metal_probe.h"
#include "exporter/memory/provider.h"

namespace headroom::exporter {
namespace {

const std::string kRecorded = std::string(HEADROOM_TEST_DATA) + "/metrics/linux";
constexpr std::string_view kMinimal = "MemTotal: 1000 kB\nMemFree: 200 kB\nMemAvailable: 600 kB\n";

TEST(LinuxDecode, SizesAndEvents) {
  const auto sample = DecodeLinuxMemory(
      {.meminfo = "MemTotal:  1000 kB\nMemFree: 200 kB\nMemAvailable: 600 kB\nBuffers: 10 kB\n"
                  "Cached: 300 kB\nSwapTotal: 50 kB\nSwapFree: 20 kB\nAnonPages: 150 kB\n"
                  "Shmem: 40 kB\nSReclaimable: 30 kB\nSUnreclaim: 5 kB\nUnevictable: 7 kB\n"
                  "Active: 1 kB\nActive(anon): 999 kB\nInactive: 2 kB\n",
       .vmstat = "pgpgin 800\npgpgout 400\npswpin 3\npswpout 4\nworkingset_nodes 5\n",
       .pressure = "some avg10=12.34 avg60=0.00 avg300=0.00 total=1\n"
                   "full avg10=0.05 avg60=0.00 avg300=0.00 total=1\n",
       .page_size = 4096});
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample->total, 1000u << 10);
  EXPECT_EQ(sample->available, 600u << 10);
  EXPECT_EQ(sample->file_backed, 270u << 10);
  EXPECT_EQ(sample->anonymous, 190u << 10);
  EXPECT_EQ(sample->reclaimable, 500u << 10);
  EXPECT_EQ(sample->wired, 12u << 10);
  EXPECT_EQ(sample->active, 1u << 10);
  EXPECT_EQ(sample->swap_used, 30u << 10);
  EXPECT_EQ(sample->pageins, 200u);  // KiB in the file, pages here
  EXPECT_EQ(sample->swapouts, 4u);
  EXPECT_EQ(sample->stall, (MemoryStall{0.1234, 0.0005}));
  EXPECT_FALSE(sample->kernel_pressure);
  EXPECT_FALSE(sample->compressor);
}

TEST(LinuxDecode, AbsentSourcesAreAbsentNotZero) {
  const auto sample = DecodeLinuxMemory({.meminfo = kMinimal, .vmstat = "", .pressure = ""});
  ASSERT_TRUE(sample);
  EXPECT_FALSE(sample->swapouts);
  EXPECT_FALSE(sample->stall);
  EXPECT_FALSE(sample->swap_used);
}

TEST(LinuxDecode, MalformedInputIsAnError) {
  const struct {
    std::string_view meminfo, message;
  } kCases[] = {
      {"", "/proc/meminfo: expected a number for MemTotal, found none"},
      {"MemTotal: 1000 kB\nMemFree: 1 kB\n",
       "/proc/meminfo: expected a number for MemAvailable, found none"},
      {"MemTotal: x kB\nMemFree: 1 kB\nMemAvailable: 1 kB",
       "/proc/meminfo: expected a number for MemTotal, found none"},
      {"MemTotal: 99999999999999999999 kB\nMemFree: 1 kB\nMemAvailable: 1 kB",
       "/proc/meminfo: expected a number for MemTotal, found none"},
      {"MemTotal: 18446744073709551615 kB\nMemFree: 1 kB\nMemAvailable: 1 kB",
       "/proc/meminfo: expected a number for MemTotal, found none"},
      {"MemTotal: 0 kB\nMemFree: 0 kB\nMemAvailable: 0 kB", "/proc/meminfo: MemTotal is 0"},
  };
  for (const auto& c : kCases) {
    const auto sample = DecodeLinuxMemory({.meminfo = c.meminfo, .vmstat = "", .pressure = ""});
    ASSERT_FALSE(sample) << c.meminfo;
    EXPECT_EQ(sample.error().message(), c.message);
  }
}

TEST(LinuxDecode, HostilePressureFilesGiveNoStall) {
  for (const std::string_view text :
       {"some avg10=\nfull avg10=", "some avg10=1\nfull avg10=1", "some avg10=1.\nfull avg10=1.2",
        "some avg10=101.00\nfull avg10=1.00", "some avg10=1.00",
        "full avg10=-1.00\nsome avg10=1.00"}) {
    const auto sample = DecodeLinuxMemory({.meminfo = kMinimal, .vmstat = "", .pressure = text});
    ASSERT_TRUE(sample);
    EXPECT_FALSE(sample->stall) << text;
  }
}

TEST(LinuxDecode, MoreAvailableThanThereIsIsCapped) {
  const auto sample =
      DecodeLinuxMemory({.meminfo = "MemTotal: 10 kB\nMemFree: 20 kB\nMemAvailable: 30 kB\n",
                         .vmstat = "",
                         .pressure = ""});
  EXPECT_EQ(sample->available, sample->total);
}

TEST(LinuxProvider, ReadsARecordedMachine) {
  const auto provider = MakeMemoryProvider(kRecorded);
  const auto sample = provider->Sample();
  ASSERT_TRUE(sample) << sample.error().message();
  EXPECT_EQ(sample->total, 24684084ull << 10);
  EXPECT_EQ(sample->swapouts, 345u);
  EXPECT_EQ(sample->stall->some, 0.0153);
  const auto process = provider->SampleProcess(42);
  ASSERT_TRUE(process);
  EXPECT_EQ(process->resident, 4194304ull << 10);
  EXPECT_EQ(process->footprint, (4100000ull + 1024) << 10);
  EXPECT_EQ(process->footprint_peak, 5242880ull << 10);
  EXPECT_EQ(provider->Host().chip, "Intel(R) Xeon(R) Processor @ 2.80GHz");
  EXPECT_EQ(provider->Host().os_version, "Debian GNU/Linux 12 (bookworm)");
  EXPECT_EQ(provider->Host().model, "");
}

TEST(LinuxProvider, NamesWhatCannotBeRead) {
  const auto provider = MakeMemoryProvider("/nonexistent");
  EXPECT_EQ(provider->Sample().error().message(),
            "/nonexistent/proc/meminfo: No such file or directory");
  EXPECT_EQ(provider->SampleProcess(1).error().code(), Code::kNotFound);
}

TEST(LinuxProvider, ReadsThisMachine) {
  const auto provider = MakeMemoryProvider();
  const auto sample = provider->Sample();
  ASSERT_TRUE(sample) << sample.error().message();
  EXPECT_GT(sample->available, 0u);
  EXPECT_LE(sample->available, sample->total);
  const auto self = provider->SampleProcess(::getpid());
  ASSERT_TRUE(self);
  EXPECT_GT(self->resident, 0u);
}

TEST(MetalProbe, OfAMac) {
  const auto gpu =
      ParseMetalProbe(R"({"metal":{"name":"Apple M1","recommendedMaxWorkingSetSize":5726633984,)"
                      R"("maxBufferLength":4294967296,"hasUnifiedMemory":true},)"
                      R"("driver":{"In use system memory":812646400,"recoveryCount":0}})");
  ASSERT_TRUE(gpu);
  EXPECT_EQ(gpu->device, "Apple M1");
  EXPECT_EQ(gpu->working_set_limit, 5726633984u);
  EXPECT_EQ(gpu->max_buffer, 4294967296u);
  EXPECT_EQ(gpu->in_use_memory, 812646400u);
  EXPECT_EQ(gpu->recoveries, 0u);
  EXPECT_FALSE(gpu->allocated_memory);
}

TEST(MetalProbe, WithoutMetal) {
  const auto gpu = ParseMetalProbe(R"({"metal":null,"reason":"this system has no Metal"})");
  ASSERT_TRUE(gpu);
  EXPECT_EQ(*gpu, GpuSample());
}

TEST(MetalProbe, RefusesWhatIsNotAProbe) {
  for (const char* text : {"", "null", "[]", "{}", "{\"metal\":", "dyld: symbol not found\n"}) {
    EXPECT_FALSE(ParseMetalProbe(text)) << text;
  }
  const auto odd = ParseMetalProbe(
      R"({"metal":{"name":7,"recommendedMaxWorkingSetSize":"lots","maxBufferLength":-1}})");
  ASSERT_TRUE(odd);
  EXPECT_EQ(*odd, GpuSample());
}

TEST(MetalProbe, LimitAboveTheMachineIsAUnitError) {
  MemorySample sample;
  sample.total = 8ull << 30;
  sample.gpu.wired_limit_override = 0;
  GpuSample probe;
  probe.working_set_limit = 9ull << 30;
  MergeProbe(probe, sample);
  EXPECT_FALSE(sample.gpu.working_set_limit);
  EXPECT_EQ(sample.gpu.wired_limit_override, 0u);  // the provider's own stays

  probe.working_set_limit = 5726633984;
  MergeProbe(probe, sample);
  EXPECT_EQ(sample.gpu.working_set_limit, 5726633984u);
  EXPECT_FALSE(WorkingSetDoubtful(sample));
  sample.gpu.working_set_limit = 2ull << 30;
  EXPECT_TRUE(WorkingSetDoubtful(sample));
  sample.gpu.wired_limit_override = 2ull << 30;  // somebody wanted it so
  EXPECT_FALSE(WorkingSetDoubtful(sample));
}

}  // namespace
}  // namespace headroom::exporter

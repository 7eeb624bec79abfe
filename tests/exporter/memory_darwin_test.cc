// The arithmetic of macOS memory against figures recorded on real machines, and every way in which
// other programs are known to get it wrong.
#include <gtest/gtest.h>

#include "exporter/memory/darwin_decode.h"
#include "tests/exporter/memory_recorded.h"

namespace headroom::exporter {
namespace {

TEST(DarwinDecode, HealthyButFullMachine) {
  const auto sample = DecodeDarwinMemory(Healthy64());
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample->total, 64 * kGiB);
  EXPECT_EQ(sample->reclaimable, 5095505920u);
  EXPECT_EQ(sample->available, 15078555648u);
  EXPECT_EQ(sample->available_kernel, 1778414 * kPage);
  EXPECT_EQ(sample->compressor_uncompressed, 2889283 * kPage);
  EXPECT_EQ(sample->kernel_pressure, Pressure::kNormal);
  EXPECT_EQ(sample->kernel_free_ratio, 0.42);
  EXPECT_FALSE(sample->swap_used);
}

TEST(DarwinDecode, SpeculativeIsCountedOnce) {
  const auto sample = DecodeDarwinMemory(Healthy64());
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample->free, 57308 * kPage);
  EXPECT_EQ(sample->available, sample->free + *sample->speculative + *sample->inactive);
  EXPECT_EQ(sample->reclaimable, sample->free + *sample->file_backed + *sample->purgeable);
}

TEST(DarwinDecode, PurgeableIsNotAddedToInactive) {
  DarwinReading reading = Healthy64();
  reading.vm.purgeable_count = 500000;
  EXPECT_EQ(DecodeDarwinMemory(reading)->available, 15078555648u);
}

TEST(DarwinDecode, CompressorIsNotTakenFromAvailable) {
  DarwinReading reading = Healthy64();
  reading.vm.compressor_page_count = 3000000;  // free + inactive + purgeable would go below zero
  EXPECT_EQ(DecodeDarwinMemory(reading)->available, 15078555648u);
}

TEST(DarwinDecode, FileCacheCountsAsReclaimable) {
  DarwinReading reading = Healthy64();
  const uint64_t before = *DecodeDarwinMemory(reading)->reclaimable;
  reading.vm.external_page_count += 1000;
  EXPECT_EQ(DecodeDarwinMemory(reading)->reclaimable, before + 1000 * kPage);
}

TEST(DarwinDecode, PagesAreTheKernelsNotFourKilobytes) {
  DarwinReading reading = Healthy64();
  reading.page_size = 4096;  // Intel
  EXPECT_EQ(DecodeDarwinMemory(reading)->available, 15078555648u / 4);
}

TEST(DarwinDecode, ProductsDoNotWrapAtFourGigabytes) {
  DarwinReading reading = Healthy64();
  reading.memsize = 512 * kGiB;
  reading.vm.wire_count = 464u * (kGiB / kPage);
  reading.vm.inactive_count = UINT32_MAX;  // hostile: more than the machine has
  const auto sample = DecodeDarwinMemory(reading);
  EXPECT_EQ(sample->wired, 464 * kGiB);
  EXPECT_EQ(sample->inactive, UINT32_MAX * kPage);
  EXPECT_EQ(sample->available, sample->total);
}

TEST(DarwinDecode, CountersReadAtDifferentInstantsDoNotUnderflow) {
  DarwinReading reading = Healthy64();
  reading.vm.free_count = 10;
  reading.vm.speculative_count = 11;
  EXPECT_EQ(DecodeDarwinMemory(reading)->free, 0u);
}

TEST(DarwinDecode, OlderKernelLeavesRevisionOneAbsent) {
  DarwinReading reading = Healthy64();
  reading.vm_words = kVmWordsRev0;
  const auto sample = DecodeDarwinMemory(reading);
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample->available, 15078555648u);
  EXPECT_FALSE(sample->reclaimable);
  EXPECT_FALSE(sample->compressor);
  EXPECT_FALSE(sample->swapouts);
  EXPECT_FALSE(sample->anonymous);
}

TEST(DarwinDecode, UnusableReadingsAreErrorsNotZeros) {
  DarwinReading reading = Healthy64();
  reading.vm_words = 12;
  EXPECT_EQ(DecodeDarwinMemory(reading).error().message(),
            "host_statistics64: expected at least 24 words, found 12");
  reading = Healthy64();
  reading.memsize.reset();
  EXPECT_EQ(DecodeDarwinMemory(reading).error().message(),
            "sysctl hw.memsize: expected bytes of memory, found none");
  reading = Healthy64();
  reading.page_size = 0;
  EXPECT_FALSE(DecodeDarwinMemory(reading));
}

TEST(DarwinDecode, KernelLevels) {
  EXPECT_EQ(DecodeKernelPressure(1), Pressure::kNormal);
  EXPECT_EQ(DecodeKernelPressure(2), Pressure::kWarning);
  EXPECT_EQ(DecodeKernelPressure(4), Pressure::kCritical);
  for (const int64_t odd : {0, 3, 5, 8, -1})
    EXPECT_EQ(DecodeKernelPressure(odd), Pressure::kUnknown);
  DarwinReading reading = Healthy64();
  reading.pressure_level.reset();
  EXPECT_FALSE(DecodeDarwinMemory(reading)->kernel_pressure);
}

TEST(DarwinDecode, GpuSettings) {
  DarwinReading reading = Healthy64();
  EXPECT_EQ(DecodeDarwinMemory(reading)->gpu, GpuSample());
  reading.wired_limit_mb = 57344;
  reading.wired_lwm_mb = 0;
  reading.dynamic_lwm = 1;
  reading.collector_disabled = 0;
  const GpuSample gpu = DecodeDarwinMemory(reading)->gpu;
  EXPECT_EQ(gpu.wired_limit_override, 56 * kGiB);
  EXPECT_EQ(gpu.wired_low_water_mark, 0u);
  EXPECT_EQ(gpu.dynamic_low_water_mark, true);
  EXPECT_EQ(gpu.wired_collector_disabled, false);
}

TEST(DarwinDecode, WiredLimitOfMacOs13IsInBytes) {
  DarwinReading reading = Healthy64();
  reading.wired_limit_bytes = 8 * static_cast<int64_t>(kGiB);
  EXPECT_EQ(DecodeDarwinMemory(reading)->gpu.wired_limit_override, 8 * kGiB);
}

TEST(DarwinDecode, Process) {
  RusageInfoV4 usage{};
  usage.resident_size = 7200000000;
  usage.phys_footprint = 15400000000;
  usage.lifetime_max_phys_footprint = 16000000000;
  const ProcessMemory process = DecodeDarwinProcess(usage);
  EXPECT_EQ(process.resident, 7200000000u);
  EXPECT_EQ(process.footprint, 15400000000u);
  EXPECT_EQ(process.footprint_peak, 16000000000u);
}

}  // namespace
}  // namespace headroom::exporter

#include <gtest/gtest.h>

#include "exporter/metrics/memstats.h"
#include "tests/exporter/memory_recorded.h"

namespace headroom::exporter {
namespace {

uint64_t Sum(const MemoryParts& p) {
  return p.wired + p.models + p.other + p.compressed + p.reclaimable + p.free + p.reserved;
}

ModelSeries Model(uint64_t footprint, uint64_t resident) {
  ModelSeries model{.ns = "default", .name = "llama"};
  model.footprint = footprint;
  model.resident = resident;
  model.up = true;
  return model;
}

TEST(Memstats, PartsOfARealMachine) {
  const MemorySample sample = *DecodeDarwinMemory(Healthy64());
  const MemoryParts parts = SplitMemory(sample, {});
  EXPECT_EQ(Sum(parts), 64 * kGiB);
  EXPECT_EQ(parts.free, 57308 * kPage);
  EXPECT_EQ(parts.reclaimable, (232947 + 20750) * kPage);
  EXPECT_EQ(parts.compressed, 611016 * kPage);
  EXPECT_EQ(parts.wired, 1742860 * kPage);
  EXPECT_EQ(parts.other, (1488159 - 20750) * kPage);
  EXPECT_LT(parts.reserved, kGiB);
  EXPECT_EQ(parts.models, 0u);
}

TEST(Memstats, ModelsComeOutOfWiredBeyondTheKernels) {
  const MemorySample sample = *DecodeDarwinMemory(Healthy64());
  const MemoryParts before = SplitMemory(sample, {});
  const MemoryParts parts = SplitMemory(sample, {Model(15 * kGiB, 7 * kGiB)});
  EXPECT_EQ(parts.models, 15 * kGiB);
  EXPECT_EQ(parts.wired, before.wired - 15 * kGiB);
  EXPECT_EQ(parts.other, before.other);
  const MemoryParts more = SplitMemory(sample, {Model(30 * kGiB, 0)});
  EXPECT_EQ(more.models, 30 * kGiB);
  EXPECT_EQ(more.wired, 4 * kGiB);
  EXPECT_EQ(Sum(more), 64 * kGiB);
}

TEST(Memstats, PartsAddUpWhateverTheFiguresSay) {
  MemorySample odd;
  odd.total = 100;
  odd.free = 70;
  odd.available = 90;
  odd.wired = 60;
  odd.compressor = UINT64_MAX;
  odd.anonymous = UINT64_MAX;
  EXPECT_EQ(Sum(SplitMemory(odd, {})), 100u);
  EXPECT_EQ(Sum(SplitMemory(odd, {Model(UINT64_MAX, 1), Model(5, UINT64_MAX)})), 100u);
  EXPECT_EQ(SplitMemory(odd, {Model(UINT64_MAX, 1)}).free, 70u);
  EXPECT_EQ(Sum(SplitMemory({}, {})), 0u);
}

TEST(Memstats, Json) {
  MemstatsInput input;
  input.sample = *DecodeDarwinMemory(Healthy64());
  input.sample.taken_at = WallTime(std::chrono::seconds(1760000000));
  input.sample.gpu.working_set_limit = 55662788608;
  input.pressure = Pressure::kWarning;
  input.host = {.system = "Darwin",
                .model = "Mac17,6",
                .chip = "Apple M5 Pro",
                .os_version = "26.1",
                .page_size = kPage};
  input.serving.models.push_back(Model(15 * kGiB, 7 * kGiB));
  input.serving.models.push_back(
      {.ns = "default", .name = "fetched", .download = kGiB, .download_total = 2 * kGiB});
  input.serving.node = NodeBudget{48 * kGiB, 16 * kGiB, 32 * kGiB, "adaptive 0.75"};
  EXPECT_EQ(
      WriteJson(MemstatsJson(input)),
      R"({"takenAt":"2025-10-09T08:53:20Z",)"
      R"("host":{"system":"Darwin","model":"Mac17,6","chip":"Apple M5 Pro","osVersion":"26.1"},)"
      R"("pressure":"warning","total":68719476736,"available":15078555648,)"
      R"("reclaimable":5095505920,"wired":28555018240,)"
      R"("parts":{"wired":12448890880,"models":16106127360,"other":24042029056,)"
      R"("compressed":10010886144,"reclaimable":4156571648,"free":938934272,)"
      R"("reserved":1016037376},"gpu":{"workingSetLimit":55662788608},)"
      R"("budget":{"bytes":51539607552,"source":"adaptive 0.75","committed":17179869184,)"
      R"("headroom":34359738368},"models":[{"namespace":"default","name":"llama","up":true,)"
      R"("ready":false,"restarts":0,"footprint":16106127360,"resident":7516192768},)"
      R"({"namespace":"default","name":"fetched","up":false,"ready":false,"restarts":0,)"
      R"("download":1073741824,"downloadTotal":2147483648}]})");
}

}  // namespace
}  // namespace headroom::exporter

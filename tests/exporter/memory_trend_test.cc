#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "exporter/memory/trend.h"

namespace headroom::exporter {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr uint64_t kGiB = uint64_t{1} << 30, kMiB = uint64_t{1} << 20;

TEST(Trend, IsWhatRisesInEachQuarter) {
  struct Case {
    const char* what;
    std::function<uint64_t(size_t)> value;
    std::optional<uint64_t> growth;
  } const cases[] = {
      {"a line", [](size_t i) { return 100 + i; }, 30},
      {"a line with noise", [](size_t i) { return 100 + i + (i % 2) * 8; }, 30},
      {"nothing", [](size_t) { return 100; }, std::nullopt},
      {"a load", [](size_t i) { return i < 15 ? 100 : 500; }, std::nullopt},
      {"a load and its return", [](size_t i) { return i % 20 < 10 ? 100 : 500; }, std::nullopt},
      {"a fall", [](size_t i) { return 100 - i; }, std::nullopt},
      {"what has ended", [](size_t i) { return 100 + std::min<size_t>(i, 25); }, std::nullopt},
      {"too little", [](size_t i) { return 100 + i / 2; }, std::nullopt},
  };
  for (const Case& c : cases) {
    Trend trend;
    SteadyTime now{};
    for (size_t i = 0; i < Trend::kReadings; ++i) {
      EXPECT_EQ(trend.Growth(8), std::nullopt) << "too few readings";
      trend.Add(c.value(i), now += 10s);
    }
    EXPECT_EQ(trend.Growth(8), c.growth) << c.what;
    EXPECT_EQ(trend.Span(), 390s);
  }
}

TEST(Trend, BeginsAnewAfterTheMachineSlept) {
  Trend trend;
  SteadyTime now{};
  for (uint64_t i = 0; i < Trend::kReadings; ++i) {
    trend.Add(i, now += i == 20 ? 3600s : 10s);
  }
  EXPECT_EQ(trend.Growth(1), std::nullopt);
  for (uint64_t i = 0; i < 20; ++i) trend.Add(100 + i, now += 10s);
  EXPECT_TRUE(trend.Growth(1));
}

TEST(LastingSign, ComesOnceAndGoesLate) {
  LastingSign sign;
  EXPECT_FALSE(sign.Comes(false));
  EXPECT_TRUE(sign.Comes(true));
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(sign.Comes(i % 2 == 0)) << "flapping is one sign";
    EXPECT_TRUE(sign.present());
  }
  for (size_t i = 0; i < Trend::kQuarter; ++i) EXPECT_FALSE(sign.Comes(false));
  EXPECT_FALSE(sign.present());
  EXPECT_TRUE(sign.Comes(true));
}

// A machine under the rates given, one reading each 10 s.
struct World {
  MemoryTrends trends;
  MemorySample sample;
  SteadyTime now{};
  std::vector<std::string> news;
  TrendStep last;

  World() {
    sample.page_size = 16384;
    sample.total = 64 * kGiB;
    sample.wired = 20 * kGiB;
    sample.pageouts = sample.swapouts = 1000;
  }
  void Run(size_t readings, uint64_t wired, uint64_t pageouts, uint64_t swapouts) {
    for (size_t i = 0; i < readings; ++i) {
      *sample.wired += wired;
      *sample.pageouts += pageouts / sample.page_size;
      *sample.swapouts += swapouts / sample.page_size;
      last = trends.Step(sample, now += 10s);
      news.insert(news.end(), last.news.begin(), last.news.end());
    }
  }
};

TEST(MemoryTrends, SayThatWiredMemoryGrowsWhilePagesAreWritten) {
  World w;
  w.Run(100, 64 * kMiB, 2 * kMiB, 0);
  EXPECT_THAT(w.news, ElementsAre("wired memory grows and pages are written out: 1.9 GiB more in 7 "
                                  "min, 22.5 GiB of 64.0 GiB are wired"));
  EXPECT_TRUE(w.last.wired_growing);
  EXPECT_FALSE(w.last.swapping_out);
  w.Run(Trend::kReadings, 0, 0, 0);
  EXPECT_FALSE(w.last.wired_growing);
  EXPECT_EQ(w.news.size(), 1u) << "that it has ended is no news";
}

TEST(MemoryTrends, AreSilentOnAHealthyMachine) {
  World loads;
  loads.Run(60, 0, 2 * kMiB, 0);
  loads.Run(1, 30 * kGiB, 2 * kMiB, 0);  // a model
  loads.Run(60, 0, 2 * kMiB, 0);
  EXPECT_THAT(loads.news, IsEmpty());
  World roomy;
  roomy.Run(100, 64 * kMiB, 0, 0);  // nothing has to make way
  EXPECT_THAT(roomy.news, IsEmpty());
  World burst;
  burst.Run(60, 0, 0, 0);
  burst.Run(1, 0, 0, kGiB);
  burst.Run(60, 0, 0, 0);
  EXPECT_THAT(burst.news, IsEmpty());
}

TEST(MemoryTrends, SayThatItSwapsAllTheTimeAndAFailedReadingChangesNothing) {
  World w;
  w.Run(Trend::kReadings, 0, 2 * kMiB, 2 * kMiB);
  EXPECT_THAT(w.news, ElementsAre("memory is swapped out all the time: 60.0 MiB in 7 min"));
  const auto failed = w.trends.Step(Error(Code::kIo, "no reading"), w.now += 10s);
  EXPECT_TRUE(failed.swapping_out);
  EXPECT_THAT(failed.news, IsEmpty());
}

TEST(MemoryTrends, OfASystemWithoutTheFiguresSayNothing) {
  MemoryTrends trends;
  MemorySample sample;
  sample.total = kGiB;
  for (int i = 0; i < 100; ++i) {
    EXPECT_THAT(trends.Step(sample, SteadyTime(i * 10s)).news, IsEmpty());
  }
}

}  // namespace
}  // namespace headroom::exporter

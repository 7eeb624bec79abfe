#include <gtest/gtest.h>

#include "exporter/memory/history.h"

namespace headroom::exporter {
namespace {

using std::chrono::seconds;

const WallTime kStart = WallTime(seconds(1'800'000'000));  // a multiple of the step

TEST(History, SumsUpAStepByItsWorstSample) {
  History history;
  history.Add(kStart + seconds(1), 500, Pressure::kNormal);
  history.Add(kStart + seconds(11), 300, Pressure::kWarning);
  history.Add(kStart + seconds(21), 400, Pressure::kNormal);
  history.Add(kStart + seconds(29), std::nullopt, Pressure::kUnknown);
  history.Add(kStart + seconds(30), std::nullopt, Pressure::kUnknown);
  EXPECT_EQ(WriteJson(HistoryJson(history)),
            R"({"stepSeconds":30,"points":[[1800000000,300,"warning"],)"
            R"([1800000030,null,"unknown"]]})");
}

TEST(History, AFailedSampleIsReplacedByTheNextGoodOne) {
  History history;
  history.Add(kStart, std::nullopt, Pressure::kUnknown);
  history.Add(kStart + seconds(10), 300, Pressure::kCritical);
  ASSERT_EQ(history.points().size(), 1u);
  EXPECT_EQ(history.points()[0].available, 300u);
  EXPECT_EQ(history.points()[0].level, Pressure::kCritical);
}

TEST(History, ForgetsTheOldest) {
  History history;
  for (size_t i = 0; i < History::kPoints + 5; ++i) {
    history.Add(kStart + i * History::kStep, i, Pressure::kNormal);
  }
  EXPECT_EQ(history.points().size(), History::kPoints);
  EXPECT_EQ(history.points().front().available, 5u);
}

TEST(History, StartsAnewWhenTheClockWasSetBack) {
  History history;
  history.Add(kStart + seconds(600), 1, Pressure::kNormal);
  history.Add(kStart, 2, Pressure::kNormal);
  ASSERT_EQ(history.points().size(), 1u);
  EXPECT_EQ(history.points()[0].available, 2u);
}

}  // namespace
}  // namespace headroom::exporter

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporter/node/capacity.h"
#include "exporter/node/publish_policy.h"

namespace headroom::exporter {
namespace {

using namespace std::chrono_literals;

constexpr uint64_t kGiB = 1ull << 30;

MemorySample Mac() {
  MemorySample sample;
  sample.taken_at = WallTime{1'767'323'045s};
  sample.total = 64 * kGiB;
  sample.available = 40 * kGiB;
  sample.wired = 5 * kGiB;
  sample.gpu.device = "Apple M3 Max";
  sample.gpu.working_set_limit = 48 * kGiB;
  return sample;
}

TEST(Capacity, OfAMac) {
  const auto capacity =
      MakeCapacity(Mac(), Pressure::kWarning, 7 * kGiB, {"mac-1", "", "b9871", "10.0.0.5:19834"});
  ASSERT_TRUE(capacity) << capacity.error().message();
  EXPECT_EQ(capacity->name, "mac-1");
  EXPECT_EQ(capacity->memory_total, 64 * kGiB);
  EXPECT_EQ(capacity->memory_budget, 48 * kGiB);
  EXPECT_EQ(capacity->budget_source, "adaptive 0.75");
  EXPECT_EQ(capacity->gpu_working_set, 48 * kGiB);
  EXPECT_EQ(capacity->available, 40 * kGiB);
  EXPECT_EQ(capacity->wired, 5 * kGiB);
  EXPECT_EQ(capacity->committed, 7 * kGiB);
  EXPECT_EQ(capacity->pressure, "warning");
  EXPECT_EQ(capacity->accelerator, "metal");
  EXPECT_EQ(capacity->runtime_version, "b9871");
  EXPECT_EQ(capacity->observed_at, WallTime{1'767'323'045s});
  EXPECT_TRUE(capacity->schedulable);
}

TEST(Capacity, OfALinuxHostWithAnOwnBudget) {
  MemorySample sample = Mac();
  sample.gpu = {};
  sample.wired.reset();
  const auto capacity = MakeCapacity(sample, Pressure::kUnknown, 0, {"pc", "16Gi", "", ""});
  ASSERT_TRUE(capacity) << capacity.error().message();
  EXPECT_EQ(capacity->memory_budget, 16 * kGiB);
  EXPECT_EQ(capacity->accelerator, "cpu");
  EXPECT_EQ(capacity->gpu_working_set, 0u);
  EXPECT_EQ(capacity->wired, 0u);
  EXPECT_EQ(capacity->pressure, "unknown");
}

TEST(Capacity, ABudgetThatIsNoneIsAnError) {
  EXPECT_FALSE(MakeCapacity(Mac(), Pressure::kNormal, 0, {"mac-1", "lots", "", ""}));
}

estimator::NodeCapacity Base() {
  return MakeCapacity(Mac(), Pressure::kNormal, 0, {"mac-1", "", "", ""}).value();
}

TEST(PublishPolicy, WritesOnChangeMovementAndOnceAMinute) {
  const auto with = [](auto&& change) {
    auto capacity = Base();
    change(capacity);
    return capacity;
  };
  const auto same = Base();
  const auto level = with([](auto& c) { c.pressure = "critical"; });
  const auto committed = with([](auto& c) { c.committed = 1; });
  const auto small = with([](auto& c) { c.available -= 3 * kGiB; });  // of 64: 4.7 %
  const auto large = with([](auto& c) { c.available -= 4 * kGiB; });  // 6.25 %
  const auto wired = with([](auto& c) { c.wired += 4 * kGiB; });
  const auto later = with([](auto& c) { c.observed_at = WallTime{}; });
  const struct {
    const estimator::NodeCapacity& capacity;
    std::chrono::milliseconds after;
    bool due;
  } cases[] = {
      {same, 0ms, false},       {same, 59s, false}, {same, 60s, true},     {later, 59s, false},
      {level, 999ms, false},    {level, 1s, true},  {committed, 1s, true}, {small, 50s, false},
      {large, 14'999ms, false}, {large, 15s, true}, {wired, 15s, true},
  };
  int number = 0;
  for (const auto& c : cases) {
    PublishPolicy policy;
    EXPECT_TRUE(policy.Due(same, SteadyTime{}));
    policy.Published(same, SteadyTime{}, 0);
    EXPECT_EQ(policy.Due(c.capacity, SteadyTime{} + c.after), c.due) << number;
    ++number;
  }
}

TEST(PublishPolicy, JitterOnlyBringsTheRefreshForward) {
  PublishPolicy policy;
  policy.Published(Base(), SteadyTime{}, 1.0);
  EXPECT_FALSE(policy.Due(Base(), SteadyTime{} + 50s));
  EXPECT_TRUE(policy.Due(Base(), SteadyTime{} + 51s));
  policy.Forget();
  EXPECT_TRUE(policy.Due(Base(), SteadyTime{}));
}

}  // namespace
}  // namespace headroom::exporter

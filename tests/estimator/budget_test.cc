#include "estimator/budget.h"

#include <gtest/gtest.h>

namespace headroom::estimator {
namespace {

constexpr uint64_t kGiB = uint64_t{1} << 30;

NodeCapacity Node(uint64_t total_gib) {
  NodeCapacity node;
  node.name = "mac-1";
  node.memory_total = total_gib * kGiB;
  return node;
}

TEST(Budget, AdaptiveFractionChangesAbove36GiB) {
  EXPECT_EQ(AdaptiveFraction(16 * kGiB), 0.67);
  EXPECT_EQ(AdaptiveFraction(36 * kGiB), 0.67);
  EXPECT_EQ(AdaptiveFraction(36 * kGiB + 1), 0.75);
}

struct PrecedenceCase {
  const char* name;
  BudgetTexts texts;
  std::optional<uint64_t> node_setting;
  uint64_t gpu;
  uint64_t expected;
  const char* derivation;
};

class Precedence : public ::testing::TestWithParam<PrecedenceCase> {};

TEST_P(Precedence, Resolves) {
  const PrecedenceCase& c = GetParam();
  NodeCapacity node = Node(48);
  node.memory_budget = c.node_setting;
  node.budget_source = "flag 0.80";
  node.gpu_working_set = c.gpu;
  const auto budget = ResolveBudget(c.texts, node);
  ASSERT_TRUE(budget) << budget.error().message();
  EXPECT_EQ(budget->bytes, c.expected);
  EXPECT_NE(budget->derivation.find(c.derivation), std::string::npos) << budget->derivation;
}

INSTANTIATE_TEST_SUITE_P(
    , Precedence,
    ::testing::Values(
        PrecedenceCase{"BudgetWins",
                       {.memory_budget = "24Gi", .memory_fraction = "0.5"},
                       30 * kGiB,
                       0,
                       24 * kGiB,
                       "spec.hardware.memoryBudget"},
        PrecedenceCase{"ThenFraction",
                       {.memory_fraction = "0.5"},
                       30 * kGiB,
                       0,
                       24 * kGiB,
                       "48.0 total x 0.50 (spec.hardware.memoryFraction)"},
        PrecedenceCase{"ThenNodeSetting", {}, 30 * kGiB, 0, 30 * kGiB, "flag 0.80"},
        PrecedenceCase{"ThenAdaptive", {}, std::nullopt, 0, 36 * kGiB, "x 0.75 (adaptive)"},
        PrecedenceCase{"NeverAboveTheGpuLimit",
                       {.memory_budget = "40Gi"},
                       std::nullopt,
                       32 * kGiB,
                       32 * kGiB,
                       "GPU working set"},
        PrecedenceCase{"NeverAboveTheMemory",
                       {.memory_budget = "400Gi"},
                       std::nullopt,
                       0,
                       48 * kGiB,
                       "capped by the memory total"},
        PrecedenceCase{"NorAboveItWithAWideGpuLimit",
                       {.memory_budget = "400Gi"},
                       std::nullopt,
                       64 * kGiB,
                       48 * kGiB,
                       "capped by"},
        PrecedenceCase{
            "FractionOfOne", {.memory_fraction = "1"}, std::nullopt, 0, 48 * kGiB, "x 1.00"}),
    [](const ::testing::TestParamInfo<PrecedenceCase>& p) { return std::string(p.param.name); });

TEST(Budget, MalformedTextsNameTheFieldPath) {
  for (const char* text : {"", "banana", "-1Gi", "0", "8 Gi", "8GiB", "1e400"}) {
    const auto budget = ResolveBudget({.memory_budget = text}, Node(48));
    ASSERT_FALSE(budget) << text;
    EXPECT_EQ(budget.error().message().rfind("spec.hardware.memoryBudget: expected a quantity", 0),
              0u)
        << budget.error().message();
  }
  for (const char* text : {"", "0", "1.01", "-0.5", "75%", "nan", "inf", "0x1", "1e-1", "."}) {
    const auto budget = ResolveBudget({.memory_fraction = text}, Node(48));
    ASSERT_FALSE(budget) << text;
    EXPECT_EQ(budget.error().message().rfind("spec.hardware.memoryFraction: expected a number", 0),
              0u)
        << budget.error().message();
  }
}

TEST(Budget, NodeSetting) {
  EXPECT_EQ(ResolveNodeBudget("", 16 * kGiB, 0)->source, "adaptive 0.67");
  EXPECT_EQ(ResolveNodeBudget("0.8", 50 * kGiB, 0)->bytes, 40 * kGiB);
  EXPECT_EQ(ResolveNodeBudget("24Gi", 48 * kGiB, 0)->source, "flag 24Gi");
  EXPECT_EQ(ResolveNodeBudget("0.9", 48 * kGiB, 36 * kGiB)->bytes, 36 * kGiB);
  EXPECT_EQ(ResolveNodeBudget("240Gi", 48 * kGiB, 0)->bytes, 48 * kGiB);
  EXPECT_EQ(ResolveNodeBudget("240Gi", 0, 0)->bytes, 240 * kGiB);
  EXPECT_FALSE(ResolveNodeBudget("lots", 48 * kGiB, 0));
  EXPECT_FALSE(ResolveNodeBudget("0", 48 * kGiB, 0));
}

TEST(Budget, StaleAfterThreeMinutes) {
  NodeCapacity node = Node(48);
  const WallTime now = WallTime() + std::chrono::hours(1);
  EXPECT_FALSE(IsStale(node, now));  // never observed: from a file
  node.observed_at = now - std::chrono::minutes(3);
  EXPECT_FALSE(IsStale(node, now));
  node.observed_at = now - std::chrono::seconds(181);
  EXPECT_TRUE(IsStale(node, now));
}

}  // namespace
}  // namespace headroom::estimator

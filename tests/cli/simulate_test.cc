// headroom simulate: what fits where when machines are lost and models come in.
#include <gmock/gmock.h>

#include "cli/simulate/packing.h"
#include "common/yaml.h"
#include "tests/cli/support.h"

namespace headroom::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Kind = Placement::Kind;
using webhook::testing::kGiB;
using webhook::testing::kNow;
using webhook::testing::ModelObject;
using webhook::testing::NodeObject;

constexpr int64_t kOneGiB = 65536;  // tokens

Judge MakeJudge() {
  const HeaderReader read = [](const std::string&, const auto&) -> Result<sources::ModelHeader> {
    return webhook::testing::HeaderOf(headroom::testing::KvHeavyModel());
  };
  return Judge(read, {.allow_unknown = false, .now = kNow});
}

Json Claimed(const std::string& name, int64_t context, const std::string& node) {
  Json model = ModelObject(name, context);
  model.Make({"metadata", "annotations", "headroom.dev/claimed-by"}) = node;
  return model;
}

const Placement& Of(const Outcome& outcome, const std::string& name) {
  for (const Placement& one : outcome.placements) {
    if (one.subject == "Model team-a/" + name) return one;
  }
  static const Placement none;
  ADD_FAILURE() << name << " is not in the outcome";
  return none;
}

TEST(Simulate, MovesTheModelsOfALostMachine) {
  Judge judge = MakeJudge();
  const auto outcome =
      Simulate({NodeObject({.name = "mac-1", .budget = 8 * kGiB}),
                NodeObject({.name = "mac-2", .budget = 8 * kGiB}),
                Claimed("moves", kOneGiB, "mac-1"), Claimed("stays", kOneGiB, "mac-2")},
               {.lost = {"mac-1"}, .added = {}}, judge);
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(Of(*outcome, "stays").kind, Kind::kStays);
  EXPECT_EQ(Of(*outcome, "moves").kind, Kind::kPlaced);
  EXPECT_EQ(Of(*outcome, "moves").from, "mac-1");
  EXPECT_EQ(Of(*outcome, "moves").to, "mac-2");
  ASSERT_EQ(outcome->nodes.size(), 1u);
  EXPECT_EQ(outcome->nodes[0].committed, Of(*outcome, "stays").bytes + Of(*outcome, "moves").bytes);
}

TEST(Simulate, PlacesTheLargestFirstWhereItFillsBest) {
  Judge judge = MakeJudge();
  // Small first would take the small node's place from nobody, but the large one fits mac-big only.
  const auto outcome = Simulate(
      {NodeObject({.name = "mac-big", .budget = 10 * kGiB}),
       NodeObject({.name = "mac-small", .budget = 4 * kGiB})},
      {.lost = {}, .added = {ModelObject("small", 2 * kOneGiB), ModelObject("large", 5 * kOneGiB)}},
      judge);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->placements[0].subject, "Model team-a/large");
  EXPECT_EQ(Of(*outcome, "large").to, "mac-big");
  EXPECT_EQ(Of(*outcome, "small").to, "mac-small");
  EXPECT_THAT(Of(*outcome, "large").why, HasSubstr("mac-small is short by"));
}

TEST(Simulate, FillsTheOnlyNodeModelByModel) {
  // Each takes 1 GiB of cache and some: three of them fit into 5 GiB.
  Judge judge = MakeJudge();
  const auto outcome = Simulate({NodeObject({.name = "mac-1", .budget = 5 * kGiB})},
                                {.lost = {},
                                 .added = {ModelObject("a", kOneGiB), ModelObject("b", kOneGiB),
                                           ModelObject("c", kOneGiB), ModelObject("d", kOneGiB)}},
                                judge);
  ASSERT_TRUE(outcome);
  for (const char* name : {"a", "b", "c"}) {
    EXPECT_EQ(Of(*outcome, name).kind, Kind::kPlaced) << Of(*outcome, name).why;
  }
  EXPECT_EQ(Of(*outcome, "d").kind, Kind::kNowhere);
  EXPECT_THAT(Of(*outcome, "d").why, HasSubstr("with 3 models on it"));
}

TEST(Simulate, SaysWhyAModelFitsNowhere) {
  Judge judge = MakeJudge();
  Json bound = Claimed("bound", kOneGiB, "mac-1");
  bound.Make({"spec", "nodeName"}) = "mac-1";
  const auto outcome = Simulate({NodeObject({.name = "mac-1", .budget = 8 * kGiB}),
                                 NodeObject({.name = "mac-2", .budget = 2 * kGiB}), bound,
                                 Claimed("huge", 4 * kOneGiB, "mac-1")},
                                {.lost = {"mac-1"}, .added = {}}, judge);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(Of(*outcome, "huge").kind, Kind::kNowhere);
  EXPECT_THAT(Of(*outcome, "huge").why, HasSubstr("[HR-101]"));
  EXPECT_EQ(Of(*outcome, "bound").kind, Kind::kNowhere);
  EXPECT_THAT(Of(*outcome, "bound").why, HasSubstr("[HR-104]"));
}

TEST(Simulate, KnowsTheNodesThatCanBeLost) {
  Judge judge = MakeJudge();
  const auto outcome = Simulate({NodeObject({})}, {.lost = {"absent"}, .added = {}}, judge);
  EXPECT_THAT(outcome.error().message(), HasSubstr("--lose absent"));
}

class SimulateCommand : public CommandTest {};

TEST_F(SimulateCommand, AnswersForASnapshot) {
  const std::string nodes =
      Nodes({{.name = "mac-1", .budget = 8 * kGiB}, {.name = "mac-2", .budget = 4 * kGiB}});
  const std::string file = Write("m.yaml", WriteYaml(ModelObject("llama", kOneGiB, Model())));
  ASSERT_EQ(Call({"simulate", "--nodes", nodes, "-f", file}), kDone) << err_.str();
  ExpectGolden("simulate.txt", Said());
  ASSERT_EQ(Call({"simulate", "--nodes", nodes, "-f", file, "--lose", "mac-2", "-o", "json"}),
            kDone);
  const auto json = ParseJson(out_.str());
  ASSERT_TRUE(json);
  EXPECT_EQ(StringOr((*json->Find("placements")->AsArray())[0], {"to"}), "mac-1");
  EXPECT_EQ(Call({"simulate", "--nodes", nodes, "-f", file, "--lose", "mac-1", "--lose", "mac-2"}),
            kFailed);
  ExpectGolden("simulate-nowhere.txt", Said());
  EXPECT_EQ(Call({"simulate", "extra"}), kUsage);
  EXPECT_EQ(Call({"simulate", "--nodes", nodes, "-f", "/absent"}), kFailed);
  EXPECT_EQ(Call({"simulate", "--nodes", nodes, "--lose", "absent"}), kFailed);
}

}  // namespace
}  // namespace headroom::cli

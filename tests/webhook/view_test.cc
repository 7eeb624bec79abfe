#include "webhook/view.h"

#include <gtest/gtest.h>

#include "tests/webhook/objects.h"

namespace headroom::webhook {
namespace {

using kube::Kind;
using namespace testing;
using namespace std::chrono_literals;

Json Claimed(Json object, const std::string& node, uint64_t bytes) {
  Json& annotations = object.Make({"metadata", "annotations"});
  annotations.Set("headroom.dev/claimed-by", node);
  annotations.Set("headroom.dev/footprint-bytes", std::to_string(bytes));
  annotations.Set("kubectl.kubernetes.io/last-applied-configuration", std::string(5000, 'x'));
  return object;
}

View TwoNodes() {
  View view;
  view.Apply(Kind::kNode, Upsert(NodeObject({.name = "mac-1"})));
  view.Apply(Kind::kNode, Upsert(NodeObject({.name = "mac-2"})));
  return view;
}

std::vector<std::string> Names(const std::vector<Load>& loads) {
  std::vector<std::string> names;
  for (const Load& load : loads) {
    names.push_back(std::string(load.name) +
                    (load.footprint ? " " + std::to_string(*load.footprint) : ""));
  }
  return names;
}
using List = std::vector<std::string>;

TEST(View, CountsClaimedAndBoundWorkloads) {
  View view = TwoNodes();
  view.Apply(Kind::kModel, Upsert(Claimed(ModelObject("a", 256), "mac-1", 100)));
  Json bound = ModelObject("b", 256);
  bound.Make({"spec", "nodeName"}) = "mac-2";
  view.Apply(Kind::kModel, Upsert(bound));
  view.Apply(Kind::kModel, Upsert(ModelObject("anywhere", 256)));
  view.Apply(Kind::kModel, Upsert(ModelObject("weights-only", 0)));
  EXPECT_EQ(Names(view.LoadsOn("mac-1", kNow)), List{"team-a/a 100"});
  EXPECT_EQ(Names(view.LoadsOn("mac-2", kNow)), List{"team-a/b"});
  view.Apply(Kind::kModel, Deleted(bound));
  EXPECT_TRUE(view.LoadsOn("mac-2", kNow).empty());
  EXPECT_LT(view.FindModel("team-a/a")->meta.annotations.size(), 3u);
}

TEST(View, OnADeskEverythingLiesOnTheOneNode) {
  View view;
  view.Apply(Kind::kNode, Upsert(NodeObject({.name = "mac-1"})));
  view.Apply(Kind::kModel, Upsert(ModelObject("anywhere", 256)));
  EXPECT_EQ(Names(view.LoadsOn("mac-1", kNow)), List{"team-a/anywhere"});
}

TEST(View, JoinsServicesWithTheirModelInEitherOrder) {
  View view = TwoNodes();
  view.Apply(Kind::kInferenceService,
             Upsert(Claimed(ServiceObject("chat", "llama", 512), "mac-1", 7)));
  EXPECT_TRUE(view.LoadsOn("mac-1", kNow).empty());
  view.Apply(Kind::kModel, Upsert(ModelObject("llama", 0)));
  EXPECT_EQ(Names(view.LoadsOn("mac-1", kNow)), List{"team-a/chat 7"});
  ASSERT_EQ(view.ServicesOf("team-a/llama").size(), 1u);
  // The service moves to another model.
  view.Apply(Kind::kInferenceService, Upsert(ServiceObject("chat", "qwen", 512)));
  EXPECT_TRUE(view.ServicesOf("team-a/llama").empty());
  EXPECT_TRUE(view.LoadsOn("mac-1", kNow).empty());
  view.Apply(Kind::kInferenceService, Deleted(ServiceObject("chat", "qwen", 512)));
  EXPECT_EQ(view.services(), 0u);
}

TEST(View, ReservationsHoldUntilClaimedDeletedOrAMinuteOld) {
  View view = TwoNodes();
  view.Reserve({"Model/team-a/a", "team-a/a", "mac-1", 100}, kNow);
  EXPECT_EQ(Names(view.LoadsOn("mac-1", kNow + 59s)), List{"team-a/a 100"});
  EXPECT_TRUE(view.LoadsOn("mac-1", kNow + 60s).empty());
  view.Apply(Kind::kModel, Upsert(ModelObject("a", 256)));
  EXPECT_EQ(Names(view.LoadsOn("mac-1", kNow)), List{"team-a/a 100"});
  // Claimed for less than was promised: the edit has not reached the agent.
  view.Apply(Kind::kModel, Upsert(Claimed(ModelObject("a", 256), "mac-1", 60)));
  EXPECT_EQ(Names(view.LoadsOn("mac-1", kNow)), List{"team-a/a 100"});
  view.Apply(Kind::kModel, Upsert(Claimed(ModelObject("a", 256), "mac-2", 100)));
  EXPECT_TRUE(view.LoadsOn("mac-1", kNow).empty());
  EXPECT_EQ(Names(view.LoadsOn("mac-2", kNow)), List{"team-a/a 100"});
  view.Reserve({"Model/team-a/b", "team-a/b", "mac-1", 100}, kNow);
  view.Apply(Kind::kModel, Deleted(ModelObject("b", 256)));
  EXPECT_EQ(view.reservations(), 0u);
}

TEST(View, AGeneratedNameTakesOverItsReservation) {
  View view = TwoNodes();
  view.Reserve({admission::GeneratedKey(Kind::kModel, "team-a", "job-", "uid-1"), "team-a/job-*",
                "mac-1", 5},
               kNow);
  Json made = ModelObject("job-x7", 256);
  made.Make({"metadata", "generateName"}) = "job-";
  view.Apply(Kind::kModel, Upsert(made));
  EXPECT_EQ(Names(view.LoadsOn("mac-1", kNow)), List{"team-a/job-x7 5"});
  view.Apply(Kind::kModel, Deleted(made));
  EXPECT_EQ(view.reservations(), 0u);
}

}  // namespace
}  // namespace headroom::webhook

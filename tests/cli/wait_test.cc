// What `headroom apply --wait` makes of an exporter's answers.
#include "cli/wait.h"

#include <gmock/gmock.h>

namespace headroom::cli {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Json Models(const std::string& items) {
  return ParseJson("{\"node\": \"mac-1\", \"models\": [" + items + "]}").value();
}
std::string Item(const std::string& name, const std::string& state, const std::string& more = "") {
  return "{\"kind\": \"Model\", \"namespace\": \"default\", \"name\": \"" + name +
         "\", \"state\": \"" + state + "\", \"endpoint\": \"http://127.0.0.1:19900\"" + more + "}";
}

class WaitingTest : public ::testing::Test {
 protected:
  SteadyTime At(int ms) const { return SteadyTime{} + milliseconds(ms); }
  Waiting For(std::vector<Awaited> models) {
    return {std::move(models), At(0), milliseconds(60'000)};
  }
};

TEST_F(WaitingTest, FollowsAModelUntilItServes) {
  Waiting waiting = For({{"Model", "default", "a"}});
  EXPECT_EQ(waiting.Look(Models(""), At(0)).next->detail, "not seen yet");
  const auto step =
      waiting.Look(Models(Item("a", "downloading", ", \"downloadPercent\": 45")), At(500));
  EXPECT_EQ(step.next->what, "model default/a");
  EXPECT_EQ(step.next->fraction, 0.45);
  EXPECT_EQ(waiting.Look(Models(Item("a", "loading")), At(1000)).next->fraction, std::nullopt);
  const auto last = waiting.Look(Models(Item("a", "ready")), At(1500));
  EXPECT_THAT(last.served, ElementsAre("model default/a serves at http://127.0.0.1:19900"));
  EXPECT_FALSE(last.next);
  EXPECT_FALSE(last.failed);
}

TEST_F(WaitingTest, TellsEachModelOnceAndWaitsForTheOthers) {
  Waiting waiting = For({{"Model", "default", "a"}, {"Model", "default", "b"}});
  const auto first = waiting.Look(Models(Item("a", "ready") + "," + Item("b", "loading")), At(1));
  EXPECT_EQ(first.served.size(), 1u);
  EXPECT_EQ(first.next->what, "model default/b");
  const auto second = waiting.Look(Models(Item("a", "loading") + "," + Item("b", "ready")), At(2));
  EXPECT_EQ(second.served.size(), 1u);
  EXPECT_FALSE(second.next);
}

TEST_F(WaitingTest, OfAChangedModelTheOldStateDoesNotCount) {
  Waiting waiting = For({{"Model", "default", "a", /*changed=*/true}});
  EXPECT_THAT(waiting.Look(Models(Item("a", "ready")), At(500)).served, IsEmpty());
  EXPECT_FALSE(waiting.Look(Models(Item("a", "failed")), At(500)).failed);
  EXPECT_EQ(waiting.Look(Models(Item("a", "ready")), At(3000)).served.size(), 1u);
}

TEST_F(WaitingTest, EndsWithTheReasonWhenAModelFailsOrTakesTooLong) {
  Waiting waiting = For({{"Model", "default", "a"}});
  const auto failed =
      waiting.Look(Models(Item("a", "failed", ", \"reason\": \"no such file\"")), At(500)).failed;
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->message(), "model default/a will not serve: failed: no such file");
  const Json waits =
      Models(Item("a", "waiting-for-memory", ", \"reason\": \"[HR-103] short by 1 GiB\""));
  EXPECT_FALSE(waiting.Look(waits, At(59'999)).failed);
  const auto late = waiting.Look(waits, At(60'000)).failed;
  ASSERT_TRUE(late);
  EXPECT_EQ(late->code(), Code::kTimeout);
  EXPECT_THAT(late->message(),
              HasSubstr("does not serve yet: waiting-for-memory: [HR-103] short by 1 GiB"));
  EXPECT_THAT(waiting.Look(Models(""), At(60'000)).failed->message(),
              HasSubstr("the exporter does not know it"));
}

TEST(IsServed, AModelWithoutServingIsOnlyWeights) {
  EXPECT_FALSE(IsServed(ParseJson(R"({"kind": "Model", "spec": {"source": "/m"}})").value()));
  EXPECT_TRUE(IsServed(ParseJson(R"({"kind": "Model", "spec": {"serving": {}}})").value()));
  EXPECT_TRUE(IsServed(ParseJson(R"({"kind": "InferenceService"})").value()));
}

}  // namespace
}  // namespace headroom::cli

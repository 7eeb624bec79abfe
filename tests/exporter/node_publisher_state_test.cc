#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporter/node/node_document.h"
#include "exporter/node/publisher_state.h"

namespace headroom::exporter {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

Json Node(const std::string& uid, bool ours) {
  Json node = Json::MakeObject();
  node.Make({"metadata"}).Set("name", "mac-1");
  node.Make({"metadata"}).Set("uid", uid);
  node.Make({"spec"}).Set("providerID", ours ? "headroom://mac-1" : "aws:///i-1");
  return node;
}

// Runs a state by script: each step must be the expected one and gets its answer.
class Script {
 public:
  explicit Script(bool register_node) : state(register_node) {
    capacity.memory_total = 64ull << 30;
    capacity.pressure = "normal";
  }
  Script& Expect(NodeStep step, const Result<Json>& answer) {
    const NodeStep next = state.Next(capacity, now);
    EXPECT_EQ(ToString(next), ToString(step)) << "step " << number;
    ++number;
    state.Done(step, answer, capacity, now, 0);
    return *this;
  }
  Script& Idle() {
    EXPECT_EQ(ToString(state.Next(capacity, now)), "wait") << "step " << number;
    return *this;
  }
  Script& After(std::chrono::milliseconds time) {
    now += time;
    return *this;
  }
  // Registers a Node of ours with everything written.
  Script& Begin() {
    return Expect(NodeStep::kGet, Error(Code::kNotFound, "no"))
        .Expect(NodeStep::kRegister, Node("u-1", true))
        .Expect(NodeStep::kWriteStatus, Node("u-1", true))
        .Idle();
  }

  PublisherState state;
  estimator::NodeCapacity capacity;
  SteadyTime now{1000s};
  int number = 0;
};

TEST(PublisherState, RegistersWhereNoNodeIs) {
  Script script(true);
  script.Begin();
  EXPECT_TRUE(script.state.registered());
  EXPECT_TRUE(script.state.published());
  EXPECT_EQ(script.state.uid(), "u-1");
  EXPECT_EQ(script.state.problem(), "");
}

TEST(PublisherState, AnnotatesOnceAMinute) {
  Script script(true);
  script.Begin();
  for (int i = 0; i < 5; ++i) script.After(10s).Idle();
  script.After(10s).Expect(NodeStep::kAnnotate, Node("u-1", true)).Idle();
}

TEST(PublisherState, ALevelChangeIsWrittenAtOnceInAnnotationAndCondition) {
  Script script(true);
  script.Begin();
  script.capacity.pressure = "critical";
  script.After(1s)
      .Expect(NodeStep::kAnnotate, Node("u-1", true))
      .Expect(NodeStep::kWriteStatus, Node("u-1", true))
      .Idle();
}

TEST(PublisherState, AnnotatesAKubeletsNodeAndNothingMore) {
  Script script(true);
  script.Expect(NodeStep::kGet, Node("k-1", false))
      .Expect(NodeStep::kAnnotate, Node("k-1", false))
      .Idle()
      .After(59s)
      .Idle();
  EXPECT_FALSE(script.state.registered());
  EXPECT_TRUE(script.state.published());
}

TEST(PublisherState, ContinuesWithTheNodeOfAnEarlierRun) {
  Script script(true);
  script.Expect(NodeStep::kGet, Node("u-0", true))
      .Expect(NodeStep::kAnnotate, Node("u-0", true))
      .Expect(NodeStep::kWriteStatus, Node("u-0", true))
      .Idle();
}

TEST(PublisherState, RegistersAgainWhenTheNodeWasDeleted) {
  Script script(true);
  script.Begin();
  script.After(60s)
      .Expect(NodeStep::kAnnotate, Error(Code::kNotFound, "gone"))
      .Expect(NodeStep::kRegister, Node("u-2", true))
      .Expect(NodeStep::kWriteStatus, Node("u-2", true))
      .Idle();
  EXPECT_EQ(script.state.uid(), "u-2");
}

TEST(PublisherState, SeesANodeThatWasMadeAgainBehindItsBack) {
  Script script(true);
  script.Begin();
  script.After(60s).Expect(NodeStep::kAnnotate, Node("k-9", false)).Idle();
  EXPECT_FALSE(script.state.registered());
}

TEST(PublisherState, ALostRaceIsNoFailure) {
  Script script(true);
  script.Expect(NodeStep::kGet, Error(Code::kNotFound, "no"))
      .Expect(NodeStep::kRegister, Error(Code::kConflict, "already exists"))
      .Expect(NodeStep::kGet, Node("k-1", false))
      .Expect(NodeStep::kAnnotate, Node("k-1", false));
  EXPECT_EQ(script.state.problem(), "");
}

TEST(PublisherState, WithoutRegistrationItWaitsForTheNode) {
  Script script(false);
  script.Expect(NodeStep::kGet, Error(Code::kNotFound, "no")).Idle().After(29s).Idle();
  EXPECT_THAT(script.state.problem(), HasSubstr("--register-node is off"));
  script.After(1s)
      .Expect(NodeStep::kGet, Node("k-1", false))
      .Expect(NodeStep::kAnnotate, Node("k-1", false));
  EXPECT_EQ(script.state.problem(), "");
}

TEST(PublisherState, BacksOffPerStepSoThatALackingRightStopsNothingElse) {
  Script script(true);
  script.Expect(NodeStep::kGet, Node("u-1", true))
      .Expect(NodeStep::kAnnotate, Error(Code::kUnauthorized, "nodes is forbidden"))
      .Expect(NodeStep::kWriteStatus, Node("u-1", true))
      .Idle();
  script.After(1s).Expect(NodeStep::kAnnotate, Error(Code::kUnauthorized, "forbidden")).Idle();
  EXPECT_EQ(script.state.problem(), "annotate the Node: forbidden");
  script.After(1s).Idle().After(1s).Expect(NodeStep::kAnnotate, Node("u-1", true));
  EXPECT_EQ(script.state.problem(), "");
}

TEST(PublisherState, AMissedPulseWritesTheConditionsAgain) {
  Script script(true);
  script.Begin();
  script.After(45s).Idle();
  script.state.PulseMissed();  // the Mac slept: the node controller may have said Unknown meanwhile
  script.Expect(NodeStep::kWriteStatus, Node("u-1", true)).Idle();
}

}  // namespace
}  // namespace headroom::exporter

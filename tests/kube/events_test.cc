#include "kube/events.h"

#include <gmock/gmock.h>

#include "kube/event_aggregator.h"
#include "tests/kube/api_fixture.h"

namespace headroom::kube {
namespace {

using Do = EventAggregator::Decision::Do;
using namespace std::chrono_literals;

TEST(EventAggregator, SameEventWithinTenMinutesRaisesACount) {
  EventAggregator aggregator;
  const WallTime start{1'000'000s};
  const auto first = aggregator.Decide("Model/a", "a", "Evicted", "text", start);
  EXPECT_EQ(first.action, Do::kCreate);
  EXPECT_EQ(first.name.substr(0, 2), "a.");
  const auto second = aggregator.Decide("Model/a", "a", "Evicted", "text", start + 9min);
  EXPECT_EQ(second.action, Do::kRaise);
  EXPECT_EQ(second.name, first.name);
  EXPECT_EQ(second.count, 2);
  EXPECT_EQ(second.first, start);
  EXPECT_EQ(aggregator.Decide("Model/a", "a", "Evicted", "other", start + 9min).action,
            Do::kCreate);
  EXPECT_EQ(aggregator.Decide("Model/b", "b", "Evicted", "text", start + 9min).action, Do::kCreate);
  EXPECT_EQ(aggregator.Decide("Model/a", "a", "Evicted", "text", start + 20min).action,
            Do::kCreate);
  EXPECT_EQ(aggregator.size(), 1u);  // the others were pruned
}

TEST(EventAggregator, AnObjectGetsTenWritesAMinute) {
  EventAggregator aggregator;
  const WallTime start{1'000'000s};
  int written = 0;
  for (int i = 0; i < 50; ++i) {
    const auto decision = aggregator.Decide("x", "x", "R", std::to_string(i), start);
    written += decision.action != Do::kDrop;
  }
  EXPECT_EQ(written, 10);
  EXPECT_EQ(aggregator.Decide("y", "y", "R", "m", start).action, Do::kCreate);
  EXPECT_EQ(aggregator.Decide("x", "x", "R", "m", start + 1min).action, Do::kCreate);
}

TEST(EventAggregator, NamesAreDistinctAndShortEnough) {
  EventAggregator aggregator;
  const std::string base(253, 'n');
  const auto one = aggregator.Decide("x", base, "R", "1", WallTime{1s});
  const auto two = aggregator.Decide("x", base, "R", "2", WallTime{1s});
  EXPECT_NE(one.name, two.name);
  EXPECT_LE(one.name.size(), 253u);
}

class Events : public ApiTest {
 protected:
  Meta Object() const {
    Meta meta;
    meta.name = "llama";
    meta.ns = "team-a";
    meta.uid = "u-1";
    return meta;
  }
};

TEST_F(Events, WritesThenPatchesThenWritesAgainWhenItExpired) {
  api_.OnRequest([this](const FakeRequest& request) {
    const bool expired = request.method == "PATCH" && api_.requests().size() == 3;
    return expired ? StatusReply(404, "gone") : JsonReply(200, Json::MakeObject());
  });
  EventRecorder recorder(*client_, "headroom-exporter", "mac-1");
  const EventText text{true, "Evicted", std::string(2000, 'x')};
  for (int i = 0; i < 3; ++i) {
    Run(recorder.Record(TypeOf(Kind::kModel), Object(), text));
  }
  const auto& requests = api_.requests();
  ASSERT_EQ(requests.size(), 4u);
  EXPECT_EQ(requests[0].method + " " + requests[0].target, "POST /api/v1/namespaces/team-a/events");
  const Json event = ParseJson(requests[0].body).value();
  EXPECT_EQ(StringOr(event, {"involvedObject", "kind"}), "Model");
  EXPECT_EQ(StringOr(event, {"involvedObject", "uid"}), "u-1");
  EXPECT_EQ(StringOr(event, {"type"}), "Warning");
  EXPECT_EQ(StringOr(event, {"source", "host"}), "mac-1");
  EXPECT_EQ(StringOr(event, {"message"}).size(), 1024u);
  const std::string name = StringOr(event, {"metadata", "name"});
  EXPECT_EQ(requests[1].method + " " + requests[1].target,
            "PATCH /api/v1/namespaces/team-a/events/" + name);
  EXPECT_EQ(IntOr(ParseJson(requests[1].body).value(), {"count"}, 0), 2);
  EXPECT_EQ(requests[3].method, "POST");
  EXPECT_EQ(IntOr(ParseJson(requests[3].body).value(), {"count"}, 0), 3);
}

TEST_F(Events, AClusterScopedObjectsEventGoesToDefaultAndFailuresAreSwallowed) {
  api_.OnRequest([](const FakeRequest&) { return StatusReply(403, "no"); });
  EventRecorder recorder(*client_, "headroom-exporter", "mac-1");
  Meta node;
  node.name = "mac-1";
  Run(recorder.Record(TypeOf(Kind::kNode), node, {false, "Started", "hello"}));
  ASSERT_EQ(api_.requests().size(), 1u);
  EXPECT_EQ(api_.requests()[0].target, "/api/v1/namespaces/default/events");
}

}  // namespace
}  // namespace headroom::kube

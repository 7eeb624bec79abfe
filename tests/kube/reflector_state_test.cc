#include "kube/reflector_state.h"

#include <gtest/gtest.h>

namespace headroom::kube {
namespace {

using namespace std::chrono_literals;

Json Named(const std::string& name, const std::string& version) {
  Json object = Json::MakeObject();
  object.Make({"metadata"}).Set("name", name);
  object.Make({"metadata"}).Set("resourceVersion", version);
  return object;
}

const Result<void> kOk;
Result<void> Failed(Code code) { return Error(code, "x"); }

ReflectorState Listed() {
  ReflectorState state(TypeOf(Kind::kNode), kReflectorBackoff);
  state.BeginList();
  state.OnListed(Named("a", "1"));
  state.EndList("10");
  return state;
}

TEST(ReflectorState, ListItemsGetTheirKind) {
  ReflectorState state(TypeOf(Kind::kNode), kReflectorBackoff);
  EXPECT_TRUE(state.needs_list());
  state.BeginList();
  const ObjectEvent event = state.OnListed(Named("a", "1"));
  EXPECT_EQ(StringOr(event.object, {"kind"}), "Node");
  EXPECT_EQ(StringOr(event.object, {"apiVersion"}), "v1");
}

TEST(ReflectorState, TombstonesNameTheObject) {
  ReflectorState state = Listed();
  state.BeginList();
  const auto events = state.EndList("20");
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].type, ObjectEvent::Type::kDelete);
  EXPECT_EQ(DecodeMeta(events[0].object).name, "a");
  EXPECT_EQ(DecodeMeta(events[0].object).ns, "");
  EXPECT_EQ(events[1].type, ObjectEvent::Type::kSynced);
}

TEST(ReflectorState, AListThatFailedHalfWayDeletesNothing) {
  ReflectorState state = Listed();
  state.BeginList();
  state.OnListed(Named("b", "2"));
  state.BeginList();
  state.OnListed(Named("a", "1"));
  state.OnListed(Named("b", "2"));
  EXPECT_EQ(state.EndList("30").size(), 1u);
}

TEST(ReflectorState, RefusesEventsItDoesNotUnderstand) {
  ReflectorState state = Listed();
  EXPECT_FALSE(state.OnWatched("ADDED", Json::MakeObject()));
  EXPECT_FALSE(state.OnWatched("RENAMED", Named("a", "2")));
  EXPECT_EQ(state.resource_version(), "10");
}

TEST(ReflectorState, PausesFollowTheReason) {
  const SteadyTime start{};
  const struct {
    Result<void> result;
    bool event_seen;
    std::chrono::milliseconds lasted, pause;
    bool relist;
  } cases[] = {
      {kOk, true, 5min, 0ms, false},
      {kOk, false, 5min, 0ms, false},
      {kOk, true, 10ms, 0ms, false},
      {kOk, false, 10ms, 800ms, false},                 // ends at once, nothing said
      {Failed(Code::kGone), true, 5min, 0ms, true},     // routine
      {Failed(Code::kGone), false, 10ms, 800ms, true},  // the list's own version expired
      {Failed(Code::kUnavailable), true, 5min, 800ms, false},
      {Failed(Code::kTimeout), false, 5min, 800ms, false},
      {Failed(Code::kInvalid), true, 5min, 800ms, true},
      {Failed(Code::kUnauthorized), false, 10ms, 800ms, true},
  };
  int number = 0;
  for (const auto& c : cases) {
    ReflectorState state = Listed();
    if (c.event_seen) {
      ASSERT_TRUE(state.OnWatched("ADDED", Named("b", "11")));
    }
    EXPECT_EQ(state.AfterWatch(c.result, start, start + c.lasted, 0), c.pause) << number;
    EXPECT_EQ(state.needs_list(), c.relist) << number;
    ++number;
  }
}

TEST(ReflectorState, BackoffGrowsToItsCapAndIsForgivenAfterTwoMinutes) {
  ReflectorState state(TypeOf(Kind::kNode), kReflectorBackoff);
  const auto failed = Failed(Code::kUnavailable);
  SteadyTime now{};
  std::vector<int64_t> pauses;
  for (int i = 0; i < 8; ++i) pauses.push_back(state.AfterList(failed, now, 0).count());
  EXPECT_EQ(pauses, (std::vector<int64_t>{800, 1600, 3200, 6400, 12800, 25600, 30000, 30000}));
  now += 119s;
  EXPECT_EQ(state.AfterList(failed, now, 0.5), 45s);
  now += 121s;
  EXPECT_EQ(state.AfterList(failed, now, 0), 800ms);
}

}  // namespace
}  // namespace headroom::kube

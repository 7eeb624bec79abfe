// The download in the life of a workload.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporter/models/manager.h"

namespace headroom::exporter {
namespace {

using namespace std::chrono_literals;
using Type = Event::Type;
using testing::ElementsAre;
using testing::IsEmpty;

struct World {
  Supervisor supervisor{{}, [] { return 0.0; }};
  Supervised it;
  SteadyTime now{};

  Actions On(const Event& event) { return supervisor.Step(it, event, now); }
  Actions Tick(SupervisorPolicy::Duration later) {
    now += later;
    return On({});
  }
  std::optional<SteadyTime> Wake() const { return supervisor.NextWake(it); }
  Actions Wanted(std::string identity = "a") {
    return On({.type = Type::kWanted, .text = std::move(identity)});
  }
};

TEST(Fetch, FetchesBeforeItLoads) {
  World w;
  w.Wanted();
  const Event claimed{.type = Type::kClaimed, .text = "fetching x", .attempt = 1, .fetch = true};
  EXPECT_THAT(w.On(claimed), ElementsAre(Action::kFetch));
  EXPECT_EQ(w.it.state, State::kFetching);
  EXPECT_EQ(w.it.reason, "fetching x");
  EXPECT_THAT(w.Tick(1h), IsEmpty()) << "a download takes as long as it takes";
  EXPECT_THAT(w.On({.type = Type::kFetched, .attempt = 0}), IsEmpty()) << "an earlier attempt's";
  EXPECT_THAT(w.On({.type = Type::kFetched, .attempt = 1}), ElementsAre(Action::kAcquireSlot));
  EXPECT_EQ(w.it.state, State::kPreflight);
}

TEST(Fetch, TriesAFailedFetchAgainOnlyWhereThatCanHelp) {
  const struct {
    Event failure;
    State state;
    std::optional<SupervisorPolicy::Duration> retry;
  } cases[] = {
      {{.type = Type::kStepFailed, .text = "503", .attempt = 1}, State::kBackoff, 1s},
      {{.type = Type::kFetchFailed, .text = "401", .attempt = 1}, State::kFailed, 600s},
      {{.type = Type::kFetchFailed, .text = "sum", .attempt = 1, .lasting = true},
       State::kFailed,
       std::nullopt},
  };
  for (const auto& c : cases) {
    World w;
    w.Wanted();
    w.On({.type = Type::kClaimed, .attempt = 1, .fetch = true});
    w.On(c.failure);
    EXPECT_EQ(w.it.state, c.state);
    EXPECT_EQ(w.it.reason, c.failure.text);
    EXPECT_EQ(w.Wake(), c.retry ? std::optional(w.now + *c.retry) : std::nullopt);
    EXPECT_THAT(w.Wanted("b"), ElementsAre(Action::kClaim)) << "an edit starts again";
  }
}

TEST(Fetch, ForgetsAFetchThatIsNotWantedAnyMore) {
  World w;
  w.Wanted();
  w.On({.type = Type::kClaimed, .attempt = 1, .fetch = true});
  EXPECT_THAT(w.On({.type = Type::kUnwanted}), ElementsAre(Action::kReleaseClaim));
  EXPECT_EQ(w.it.state, State::kGone);
  EXPECT_THAT(w.On({.type = Type::kFetched, .attempt = 1}), IsEmpty());
}

TEST(Fetch, AFailureSaysWhenToTryAgain) {
  EXPECT_EQ(FetchFailure(Error(Code::kUnavailable, "503")).type, Event::Type::kStepFailed);
  EXPECT_EQ(FetchFailure(Error(Code::kUnauthorized, "401")).type, Event::Type::kFetchFailed);
  EXPECT_FALSE(FetchFailure(Error(Code::kUnauthorized, "401")).lasting);
  EXPECT_TRUE(FetchFailure(Error(Code::kInvalid, "sha256 differs")).lasting);
}

}  // namespace
}  // namespace headroom::exporter

// Holders of a claim, fences and evictions, as the supervisor sees them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/exporter/supervisor_world.h"

namespace headroom::exporter {
namespace {

using namespace std::chrono_literals;
using test::Type;
using test::World;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Supervisor, AsksAgainWhenTheHolderCouldBeDeadOrGivesUp) {
  World w;
  w.Wanted();
  w.On({.type = Type::kHeldElsewhere, .text = "claimed by mac-2", .attempt = 1, .retry = 4s});
  EXPECT_EQ(w.Wake(), w.now + 4s);
  EXPECT_THAT(w.On({.type = Type::kClaimFree}), ElementsAre(Action::kClaim));
  w.On({.type = Type::kHeldElsewhere, .text = "claimed by mac-2", .attempt = 2, .retry = 300s});
  EXPECT_EQ(w.Wake(), w.now + 30s);
}

TEST(Supervisor, GivesTheClaimUpWhenItFailedTooOften) {
  World w;
  for (int i = 1; i < w.policy.crash_limit; ++i) {
    w.Launch(i);
    w.Exited(i);
    w.Tick(10min);
  }
  w.Launch(99);
  EXPECT_THAT(w.Exited(99), ElementsAre(Action::kReleaseSlot, Action::kReleaseClaim));
  EXPECT_EQ(w.it.state, State::kFailed);
}

TEST(Supervisor, FencedItStopsInTimeAndComesBack) {
  World w;
  w.MakeReady(7);
  EXPECT_THAT(w.On({.type = Type::kFenced, .text = "out of touch"}),
              ElementsAre(Action::kWithdraw, Action::kTerminate));
  EXPECT_THAT(w.Tick(5s), ElementsAre(Action::kKill));
  EXPECT_THAT(w.Exited(7), IsEmpty()) << "the claim stays: nobody can be told";
  EXPECT_EQ(w.it.state, State::kPending);
  EXPECT_EQ(w.it.reason, "out of touch");
  EXPECT_THAT(w.Tick(2s), ElementsAre(Action::kClaim));
  EXPECT_THAT(w.On({.type = Type::kOutOfTouch, .text = "still", .attempt = w.it.attempt}),
              IsEmpty());
  EXPECT_EQ(w.it.state, State::kPending);
  EXPECT_THAT(w.Tick(2s), ElementsAre(Action::kClaim));
}

TEST(Supervisor, FencedWhileItDrainsItHasNoMoreTimeThanThat) {
  World w;
  w.MakeReady(7);
  w.Wanted("b");
  w.now += 10s;
  EXPECT_THAT(w.On({.type = Type::kFenced, .text = "out of touch"}), IsEmpty());
  EXPECT_THAT(w.Tick(5s), ElementsAre(Action::kKill)) << "not after the 30 s of a drain";
  w.Exited(7);
  EXPECT_EQ(w.it.state, State::kPending);
}

TEST(Supervisor, EvictedItWaitsToBeReadmitted) {
  World w;
  w.MakeReady(7);
  EXPECT_THAT(w.On({.type = Type::kEvicted, .text = "numbers"}),
              ElementsAre(Action::kWithdraw, Action::kTerminate));
  EXPECT_THAT(w.On({.type = Type::kEvicted, .text = "again"}), IsEmpty());
  EXPECT_THAT(w.Tick(10s), ElementsAre(Action::kKill)) << "killed or not, it is evicted";
  EXPECT_THAT(w.Exited(7), ElementsAre(Action::kReleaseClaim));
  EXPECT_EQ(w.it.state, State::kEvicted);
  EXPECT_EQ(w.it.reason, "numbers");
  EXPECT_THAT(w.Tick(24h), IsEmpty());
  EXPECT_THAT(w.On({.type = Type::kMemoryFreed}), IsEmpty());
  EXPECT_THAT(w.On({.type = Type::kReadmitted}), ElementsAre(Action::kClaim));
  EXPECT_THAT(w.On({.type = Type::kReadmitted}), IsEmpty());
}

TEST(Supervisor, AnEvictedModelThatIsNotWantedIsGone) {
  World w;
  w.MakeReady(7);
  w.On({.type = Type::kEvicted, .text = "numbers"});
  w.On({.type = Type::kUnwanted});
  w.Exited(7);
  EXPECT_EQ(w.it.state, State::kGone);
}

}  // namespace
}  // namespace headroom::exporter

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/exporter/supervisor_world.h"

namespace headroom::exporter {
namespace {

using namespace std::chrono_literals;
using test::Type;
using test::World;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Supervisor, LaunchesInOrder) {
  World w;
  EXPECT_THAT(w.Wanted(), ElementsAre(Action::kClaim));
  EXPECT_EQ(w.it.state, State::kClaiming);
  EXPECT_THAT(w.Claimed(), ElementsAre(Action::kAcquireSlot));
  EXPECT_EQ(w.it.state, State::kPreflight);
  EXPECT_THAT(w.Granted(), ElementsAre(Action::kPreflight));
  EXPECT_THAT(w.Passed(), ElementsAre(Action::kSpawn));
  EXPECT_EQ(w.it.state, State::kLoading);
  EXPECT_THAT(w.Spawned(7), IsEmpty());
  EXPECT_THAT(w.Tick(), ElementsAre(Action::kProbe));
  EXPECT_THAT(w.Tick(1s), IsEmpty()) << "one probe at a time";
  EXPECT_THAT(w.Probe(Type::kProbeLoading), IsEmpty());
  EXPECT_THAT(w.Tick(250ms), ElementsAre(Action::kProbe));
  w.now += 750ms;
  EXPECT_THAT(w.Probe(Type::kProbeOk), ElementsAre(Action::kReleaseSlot, Action::kPublish));
  EXPECT_EQ(w.it.state, State::kReady);
  EXPECT_EQ(w.it.load_duration, 2000ms);
  EXPECT_EQ(w.Wake(), w.now + 10s);
}

TEST(Supervisor, WaitsForMemoryAndComesBack) {
  World w;
  w.Wanted();
  EXPECT_THAT(w.On({.type = Type::kRefused, .text = "too large", .attempt = 1}),
              ElementsAre(Action::kReleaseClaim))
      << "one that an earlier attempt left";
  EXPECT_EQ(w.it.state, State::kWaitingForMemory);
  EXPECT_EQ(w.it.reason, "too large");
  EXPECT_EQ(w.Wake(), w.now + 15s);
  EXPECT_THAT(w.On({.type = Type::kMemoryFreed}), ElementsAre(Action::kClaim));
  w.Claimed();
  w.Granted();
  EXPECT_THAT(w.On({.type = Type::kRefused, .text = "in use", .attempt = 2}),
              ElementsAre(Action::kReleaseClaim, Action::kReleaseSlot));
  EXPECT_THAT(w.Tick(14s), IsEmpty());
  EXPECT_THAT(w.Tick(1s), ElementsAre(Action::kClaim));
}

TEST(Supervisor, LeavesAWorkloadThatAnotherNodeHolds) {
  World w;
  w.Wanted();
  w.On({.type = Type::kHeldElsewhere, .text = "claimed by mac-2", .attempt = 1});
  EXPECT_EQ(w.it.state, State::kPending);
  EXPECT_EQ(w.it.reason, "claimed by mac-2");
  EXPECT_THAT(w.Tick(30s), ElementsAre(Action::kClaim));
}

TEST(Supervisor, IgnoresAnswersToEarlierAttempts) {
  World w;
  w.Wanted();
  w.Claimed();
  EXPECT_THAT(w.Wanted("b"), ElementsAre(Action::kReleaseSlot, Action::kClaim));
  const uint64_t old = w.it.attempt - 1;
  EXPECT_THAT(w.On({.type = Type::kClaimed, .attempt = old}), IsEmpty());
  w.Claimed();
  EXPECT_THAT(w.On({.type = Type::kSlotGranted, .attempt = old}), IsEmpty());
  EXPECT_THAT(w.On({.type = Type::kPreflightPassed, .attempt = old}), IsEmpty());
  EXPECT_THAT(w.On({.type = Type::kRefused, .attempt = old}), IsEmpty());
  EXPECT_THAT(w.On({.type = Type::kStepFailed, .attempt = old}), IsEmpty());
  EXPECT_EQ(w.it.state, State::kPreflight);
}

TEST(Supervisor, SeesAnExitWhileLoadingAndBacksOff) {
  World w;
  w.Launch(7);
  EXPECT_THAT(w.Exited(6), IsEmpty()) << "not our child";
  EXPECT_THAT(w.Exited(7), ElementsAre(Action::kReleaseSlot));
  EXPECT_EQ(w.it.state, State::kBackoff);
  EXPECT_THAT(w.it.reason, HasSubstr("while loading: exit code 1"));
  EXPECT_THAT(w.Tick(999ms), IsEmpty());
  EXPECT_THAT(w.Tick(1ms), ElementsAre(Action::kClaim));
}

TEST(Supervisor, RestartsAfterACrashOfAReadyServer) {
  World w;
  w.MakeReady(7);
  EXPECT_THAT(w.Exited(7, "signal 9 (Killed)"), ElementsAre(Action::kWithdraw));
  EXPECT_EQ(w.it.state, State::kBackoff);
  w.Tick(1s);
  w.MakeReady(8);
  EXPECT_EQ(w.it.state, State::kReady);
  EXPECT_EQ(w.it.restarts, 1);
}

TEST(Supervisor, GivesUpForAWhileAfterTheCrashLimit) {
  World w;
  w.Wanted();
  for (pid_t pid = 1; pid <= 5; ++pid) {
    w.Launch(pid);
    w.Exited(pid);
    if (pid == 5) break;
    ASSERT_EQ(w.it.state, State::kBackoff);
    EXPECT_EQ(*w.Wake() - w.now, 1s * (1 << (pid - 1))) << "doubles";
    w.now = *w.Wake();
    w.Tick();
  }
  EXPECT_EQ(w.it.state, State::kFailed);
  EXPECT_THAT(w.it.reason, HasSubstr("5 starts in a row failed"));
  EXPECT_THAT(w.Tick(599s), IsEmpty());
  EXPECT_THAT(w.Tick(1s), ElementsAre(Action::kClaim));
  w.On({.type = Type::kStepFailed, .text = "x", .attempt = w.it.attempt});
  EXPECT_EQ(w.it.state, State::kBackoff) << "the count began again";
}

TEST(Supervisor, ForgetsCrashesAfterAStableTime) {
  World w;
  for (pid_t pid = 1; pid <= 20; ++pid) {
    w.MakeReady(pid);
    ASSERT_EQ(w.it.state, State::kReady);
    w.now += 10min;
    w.Exited(pid);
    ASSERT_EQ(w.it.state, State::kBackoff);
    w.Tick(2s);
  }
}

TEST(Supervisor, EditOfAFailedWorkloadTriesAtOnce) {
  World w;
  w.On({.type = Type::kInvalid, .text = "spec.x: bad"});
  EXPECT_EQ(w.it.state, State::kFailed);
  EXPECT_EQ(w.Wake(), std::nullopt);
  EXPECT_THAT(w.Tick(24h), IsEmpty());
  EXPECT_THAT(w.Wanted(), ElementsAre(Action::kClaim));
}

TEST(Supervisor, HealthHasHysteresis) {
  World w;
  w.MakeReady(7);
  EXPECT_THAT(w.Tick(10s), ElementsAre(Action::kProbe));
  EXPECT_THAT(w.Probe(Type::kProbeFailed, "timed out"), IsEmpty());
  w.Tick(2s);
  EXPECT_THAT(w.Probe(Type::kProbeFailed, "timed out"), IsEmpty());
  EXPECT_EQ(w.it.state, State::kReady);
  w.Tick(2s);
  EXPECT_THAT(w.Probe(Type::kProbeFailed, "timed out"), ElementsAre(Action::kWithdraw));
  EXPECT_EQ(w.it.state, State::kUnhealthy);
  EXPECT_EQ(w.it.reason, "/health failed 3 times in a row: timed out");
  w.Tick(2s);
  EXPECT_THAT(w.Probe(Type::kProbeOk), IsEmpty());
  EXPECT_EQ(w.it.state, State::kUnhealthy);
  w.Tick(2s);
  EXPECT_THAT(w.Probe(Type::kProbeOk), ElementsAre(Action::kPublish));
  EXPECT_EQ(w.it.state, State::kReady);
}

TEST(Supervisor, StopsAHungChildBeforeANewOneStarts) {
  World w;
  w.MakeReady(7);
  Actions last;
  for (int i = 0; i < 9; ++i) {
    w.Tick(10s);
    last = w.Probe(Type::kProbeFailed, "timed out");
  }
  EXPECT_THAT(last, ElementsAre(Action::kTerminate));
  EXPECT_EQ(w.it.state, State::kStopping);
  EXPECT_THAT(w.Tick(9s), IsEmpty());
  EXPECT_THAT(w.Tick(1s), ElementsAre(Action::kKill));
  EXPECT_THAT(w.Tick(5s), ElementsAre(Action::kKill)) << "until its exit is seen";
  EXPECT_THAT(w.Wanted("a"), IsEmpty());
  EXPECT_THAT(w.Exited(7, "signal 9 (Killed)"), IsEmpty());
  EXPECT_EQ(w.it.state, State::kBackoff);
}

TEST(Supervisor, LoadingHasACeilingByFileSize) {
  World w;
  w.Wanted();
  w.Claimed();
  w.Granted();
  w.Passed(uint64_t{100} * (20 << 20));
  w.Spawned(7);
  w.now += 219s;
  EXPECT_THAT(w.Tick(), ElementsAre(Action::kProbe));
  w.Probe(Type::kProbeLoading);
  EXPECT_THAT(w.Tick(1s), ElementsAre(Action::kTerminate));
  EXPECT_THAT(w.it.reason, HasSubstr("not ready after 220 s"));
  EXPECT_THAT(w.Exited(7), ElementsAre(Action::kReleaseSlot));
  EXPECT_EQ(w.it.state, State::kBackoff);
}

TEST(Supervisor, AChangedSpecRestartsAndAnUnchangedOneDoesNot) {
  World w;
  w.MakeReady(7);
  EXPECT_THAT(w.Wanted("a"), IsEmpty());
  EXPECT_THAT(w.Wanted("b"), ElementsAre(Action::kWithdraw, Action::kTerminate));
  EXPECT_THAT(w.Tick(30s), ElementsAre(Action::kKill));
  EXPECT_THAT(w.Exited(7), ElementsAre(Action::kClaim)) << "at once, that was no crash";
  EXPECT_EQ(w.it.crashes, 0);
}

TEST(Supervisor, AnInvalidEditStopsTheServer) {
  World w;
  w.MakeReady(7);
  EXPECT_THAT(w.On({.type = Type::kInvalid, .text = "bad"}),
              ElementsAre(Action::kWithdraw, Action::kTerminate));
  w.Exited(7);
  EXPECT_EQ(w.it.state, State::kFailed);
  EXPECT_EQ(w.it.reason, "bad");
}

TEST(Supervisor, AnInvalidEditBeforeTheLaunchGivesBackWhatWasTaken) {
  World w;
  w.Wanted();
  const uint64_t old = w.it.attempt;
  EXPECT_THAT(w.On({.type = Type::kInvalid, .text = "bad"}), ElementsAre(Action::kReleaseClaim));
  EXPECT_EQ(w.it.state, State::kFailed);
  EXPECT_THAT(w.On({.type = Type::kClaimed, .attempt = old}), ElementsAre(Action::kReleaseClaim))
      << "it came through after all";
  w.Wanted();
  w.Claimed();
  EXPECT_THAT(w.On({.type = Type::kInvalid, .text = "bad"}),
              ElementsAre(Action::kReleaseSlot, Action::kReleaseClaim));
}

TEST(Supervisor, DeletingDrainsAndReleases) {
  World w;
  w.MakeReady(7);
  EXPECT_THAT(w.On({.type = Type::kUnwanted}), ElementsAre(Action::kWithdraw, Action::kTerminate));
  EXPECT_THAT(w.On({.type = Type::kUnwanted}), IsEmpty());
  EXPECT_THAT(w.Exited(7, "exit code 0"), ElementsAre(Action::kReleaseClaim));
  EXPECT_EQ(w.it.state, State::kGone);
  EXPECT_THAT(w.Wanted(), ElementsAre(Action::kClaim)) << "applied again";
}

TEST(Supervisor, DeletedWhileTheClaimIsWritten) {
  World w;
  w.Wanted();
  EXPECT_THAT(w.On({.type = Type::kUnwanted}), ElementsAre(Action::kReleaseClaim));
  EXPECT_EQ(w.it.state, State::kGone);
  EXPECT_THAT(w.Claimed(), ElementsAre(Action::kReleaseClaim)) << "it came through after all";
}

TEST(Supervisor, DeletedBetweenSpawnAndItsAnswer) {
  World w;
  w.Wanted();
  w.Claimed();
  w.Granted();
  w.Passed();
  EXPECT_THAT(w.On({.type = Type::kUnwanted}), IsEmpty());
  EXPECT_EQ(w.it.state, State::kStopping);
  EXPECT_THAT(w.Spawned(7), ElementsAre(Action::kTerminate));
  EXPECT_THAT(w.Exited(7), ElementsAre(Action::kReleaseSlot, Action::kReleaseClaim));
}

TEST(Supervisor, SpawnFailureBacksOff) {
  World w;
  w.Wanted();
  w.Claimed();
  w.Granted();
  w.Passed();
  EXPECT_THAT(w.On({.type = Type::kSpawnFailed, .text = "not found"}),
              ElementsAre(Action::kReleaseSlot));
  EXPECT_EQ(w.it.state, State::kBackoff);
  EXPECT_EQ(w.it.reason, "not found");
}

TEST(Supervisor, AdoptsARunningChild) {
  World w;
  const Event adopted{
      .type = Type::kAdopted, .text = "a", .pid = 7, .bytes = 1, .restarts = 2, .load = 1500ms};
  EXPECT_THAT(w.On(adopted), ElementsAre(Action::kAcquireSlot));
  EXPECT_THAT(w.Tick(), ElementsAre(Action::kProbe));
  EXPECT_THAT(w.Probe(Type::kProbeOk), ElementsAre(Action::kReleaseSlot, Action::kPublish));
  EXPECT_THAT(w.Wanted("a"), IsEmpty()) << "same launch: it keeps running";
  EXPECT_EQ(w.it.state, State::kReady);
  EXPECT_EQ(w.it.restarts, 2);
  EXPECT_EQ(w.it.load_duration, 1500ms) << "not the time since it was adopted";
}

TEST(Supervisor, AnAdoptedChildThatStillLoadsHasTheTimeForItsFile) {
  World w;
  const uint64_t bytes = SupervisorPolicy().load_bytes_per_second * 100;
  w.On({.type = Type::kAdopted, .text = "a", .pid = 7, .bytes = bytes});
  const auto limit = SupervisorPolicy().load_base + 100s;
  w.now += limit - 1ms;
  w.Tick();
  EXPECT_EQ(w.it.state, State::kLoading);
  w.now += 1ms;
  w.Tick();
  EXPECT_EQ(w.it.state, State::kStopping);
}

TEST(Supervisor, AnAdoptedChildThatNobodyWantsIsStopped) {
  World w;
  w.On({.type = Type::kAdopted, .text = "a", .pid = 7});
  EXPECT_THAT(w.On({.type = Type::kUnwanted}), ElementsAre(Action::kTerminate));
  w.Exited(7);
  EXPECT_EQ(w.it.state, State::kGone);
}

// Random sequences of everything that can happen, in any order, stale and doubled answers included.
// The world below knows the truth about the child and the slot and checks the invariants.
TEST(Supervisor, KeepsItsInvariantsUnderHostileSequences) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    std::mt19937 random(seed);
    World w;
    pid_t alive = 0, next_pid = 100;
    bool slot = false, terminated = false;
    for (int step = 0; step < 2500; ++step) {
      w.now += std::chrono::milliseconds(random() % 4000);
      Event event;
      event.type = static_cast<Type>(random() % (static_cast<unsigned>(Type::kTick) + 1));
      event.text = random() % 2 ? "a" : "b";
      event.attempt = w.it.attempt - random() % 2;
      event.pid = random() % 4 ? w.it.pid : 5;
      if (event.type == Type::kSpawned || event.type == Type::kAdopted) continue;  // below
      if (event.type == Type::kSpawnFailed) continue;
      if (event.type == Type::kExited && event.pid == alive) alive = 0;
      for (Actions actions = w.On(event); !actions.empty();) {
        Actions more;
        for (const Action action : actions) {
          if (action == Action::kSpawn) {
            ASSERT_EQ(alive, 0) << "two children, seed " << seed;
            ASSERT_TRUE(slot) << "load without the slot, seed " << seed;
            terminated = false;
            alive = random() % 5 ? ++next_pid : 0;
            more =
                alive ? w.Spawned(alive) : w.On({.type = Type::kSpawnFailed, .text = "no memory"});
          } else if (action == Action::kAcquireSlot) {
            slot = true;
          } else if (action == Action::kReleaseSlot) {
            ASSERT_TRUE(slot);
            slot = false;
          } else if (action == Action::kTerminate) {
            terminated = true;
          } else if (action == Action::kKill) {
            ASSERT_TRUE(terminated) << "killed without being asked first";
          } else if (action == Action::kReleaseClaim) {
            ASSERT_EQ(alive, 0) << "claim released while the child runs";
          }
        }
        actions = more;
      }
      ASSERT_EQ(w.it.pid, alive) << "an orphan, seed " << seed << " step " << step;
      ASSERT_TRUE(!w.it.published || w.it.state == State::kReady);
      ASSERT_TRUE(w.it.state != State::kGone || (!slot && alive == 0));
      const bool stuck = w.it.wanted && alive == 0 && !w.Wake() && w.it.state != State::kClaiming &&
                         w.it.state != State::kPreflight &&
                         w.it.state != State::kEvicted &&  // until the evictor says so
                         !(w.it.state == State::kFailed && w.it.identity.empty());
      ASSERT_FALSE(stuck) << ToString(w.it.state) << ", seed " << seed << " step " << step;
    }
  }
}

}  // namespace
}  // namespace headroom::exporter

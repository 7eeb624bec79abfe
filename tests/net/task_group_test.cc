#include "net/task_group.h"

#include <stdexcept>

#include "net/async.h"
#include "tests/net/net_fixture.h"

namespace headroom::net::test {
namespace {

// Counts what is alive, whether or not the coroutine ever ran.
struct Alive {
  explicit Alive(int& c) : count(&c) { ++*count; }
  Alive(Alive&& other) noexcept : count(std::exchange(other.count, nullptr)) {}
  ~Alive() {
    if (count != nullptr) --*count;
  }
  int* count;
};

asio::awaitable<void> Forever(Alive) { co_await SleepFor(1h); }
asio::awaitable<void> Return() { co_return; }
asio::awaitable<void> Fail() {
  throw std::runtime_error("broken");
  co_return;
}
asio::awaitable<void> FailLater() {
  co_await SleepFor(1ms);
  throw std::runtime_error("broken later");
}

class TaskGroupTest : public testing::Test {
 protected:
  asio::io_context context_{1};
  int alive_ = 0;
};

asio::awaitable<std::string> JoinText(TaskGroup& group) {
  std::string text = "returned";
  try {
    co_await group.Join();
  } catch (const std::exception& e) {
    text = e.what();
  }
  co_return text;
}

TEST_F(TaskGroupTest, FirstReturnEndsAll) {
  TaskGroup group(context_.get_executor());
  group.Spawn(Forever(Alive(alive_)));
  group.Spawn(Forever(Alive(alive_)));
  group.Spawn(Return());
  EXPECT_EQ(RunCoro(context_, JoinText(group)), "returned");
  EXPECT_EQ(alive_, 0);
  EXPECT_EQ(group.size(), 0u);
}

TEST_F(TaskGroupTest, JoinRethrowsTheFirstFailure) {
  TaskGroup group(context_.get_executor());
  group.Spawn(Forever(Alive(alive_)));
  group.Spawn(FailLater());
  EXPECT_EQ(RunCoro(context_, JoinText(group)), "broken later");
  EXPECT_EQ(alive_, 0);
}

TEST_F(TaskGroupTest, IndependentTasksComeAndGo) {
  TaskGroup group(context_.get_executor(), TaskGroup::Mode::kIndependent);
  group.Spawn(Forever(Alive(alive_)));
  group.Spawn(Return());
  RunCoro(context_, SleepFor(1ms));
  EXPECT_EQ(group.size(), 1u);
  group.Spawn(Fail());
  EXPECT_EQ(RunCoro(context_, JoinText(group)), "broken");
  EXPECT_EQ(alive_, 0);
}

TEST_F(TaskGroupTest, CancelBeforeTheFirstStepIsSafe) {
  TaskGroup group(context_.get_executor());
  group.Spawn(Forever(Alive(alive_)));
  group.Cancel();
  group.Spawn(Forever(Alive(alive_)));
  EXPECT_EQ(RunCoro(context_, JoinText(group)), "returned");
  EXPECT_EQ(alive_, 0);
}

asio::awaitable<void> CancelFromWithin(TaskGroup& group) {
  group.Cancel();
  co_return;
}

TEST_F(TaskGroupTest, ATaskMayCancelItsOwnGroup) {
  TaskGroup group(context_.get_executor(), TaskGroup::Mode::kIndependent);
  group.Spawn(Forever(Alive(alive_)));
  group.Spawn(CancelFromWithin(group));
  EXPECT_EQ(RunCoro(context_, JoinText(group)), "returned");
  EXPECT_EQ(alive_, 0);
}

asio::awaitable<void> Inner(int& alive) {
  TaskGroup group(co_await asio::this_coro::executor);
  group.Spawn(Forever(Alive(alive)));
  co_await group.Join();
}

TEST_F(TaskGroupTest, CancellingAJoinerWaitsForItsTasks) {
  TaskGroup outer(context_.get_executor());
  outer.Spawn(Inner(alive_));
  RunCoro(context_, SleepFor(1ms));
  EXPECT_EQ(alive_, 1);
  outer.Cancel();
  EXPECT_EQ(RunCoro(context_, JoinText(outer)), "returned");
  EXPECT_EQ(alive_, 0);
}

TEST_F(TaskGroupTest, AContextMayGoWithTasksSuspended) {
  {
    asio::io_context context(1);
    TaskGroup group(context.get_executor());
    group.Spawn(Forever(Alive(alive_)));
    context.poll();
    EXPECT_EQ(alive_, 1);
  }
  EXPECT_EQ(alive_, 0);
}

asio::awaitable<int> Sum() {
  const auto sum = std::make_shared<int>(0);
  const std::function<void()> work = [sum] { *sum = 42; };
  co_await RunBlocking(work);
  co_return *sum;
}

asio::awaitable<void> Blow() {
  co_await RunBlocking([] { throw std::runtime_error("in the worker"); });
}

TEST(Async, RunsBlockingWorkElsewhere) {
  EXPECT_EQ(RunCoro(Sum()), 42);
  EXPECT_THROW(RunCoro(Blow()), std::runtime_error);
}

asio::awaitable<void> WaitInto(Notifier& notifier, Deadline deadline, std::vector<bool>& out) {
  out.push_back(co_await notifier.Wait(deadline));
}

TEST(Async, NotifierWakesAllOrTimesOut) {
  asio::io_context context(1);
  TaskGroup group(context.get_executor(), TaskGroup::Mode::kIndependent);
  Notifier notifier;
  std::vector<bool> woken;
  group.Spawn(WaitInto(notifier, Deadline::max(), woken));
  group.Spawn(WaitInto(notifier, Deadline::max(), woken));
  context.poll();
  notifier.Notify();
  RunCoro(context, group.Join());
  EXPECT_EQ(woken, (std::vector<bool>{true, true}));
  EXPECT_FALSE(RunCoro(context, notifier.Wait(After(1ms))));
}

TEST(Async, AfterSaturates) { EXPECT_EQ(After(std::chrono::milliseconds::max()), Deadline::max()); }

}  // namespace
}  // namespace headroom::net::test

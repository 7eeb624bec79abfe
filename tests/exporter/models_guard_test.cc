#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "exporter/models/guard.h"
#include "exporter/models/state_file.h"
#include "net/async.h"
#include "net/task_group.h"
#include "tests/support/run_coro.h"

namespace headroom::exporter {
namespace {

using namespace std::chrono_literals;

TEST(Guard, ReadsOnlyWholeDeadlines) {
  const SteadyTime deadline{123456789ns};
  EXPECT_EQ(DecodeDeadline(EncodeDeadline(deadline)), deadline);
  for (const char* const bad :
       {"", "\n", "12", "12 \n", "x\n", "12\n\n", "99999999999999999999\n"}) {
    EXPECT_FALSE(DecodeDeadline(bad)) << bad;
  }
}

// The guard as a process, with two children of which one is bound to its node.
TEST(Guard, EndsWhatOthersMayRunWhenTheLeaseIsOver) {
  const std::string folder = ::testing::TempDir() + "guard-" + std::to_string(::getpid());
  auto state = StateDir::Open(folder);
  ASSERT_TRUE(state) << state.error().message();
  net::SpawnOptions sleeper;
  sleeper.executable = "sleep";
  sleeper.arguments = {"60"};
  const pid_t free = *net::Spawn(sleeper), bound = *net::Spawn(sleeper);
  std::vector<ChildRecord> children;
  for (const pid_t pid : {free, bound}) {
    children.push_back({"Model/a/b", pid, *net::ProcessStartTime(pid), 1, "x", 0, pid == bound});
  }
  children.push_back({"Model/a/other", ::getpid(), 1, 1, "not this process", 0, false});
  ASSERT_TRUE((*state)->Save(children));
  ASSERT_TRUE(SaveDeadline(folder, net::After(1500ms)));

  boost::asio::io_context context(1);
  net::Reaper reaper(context.get_executor());
  net::TaskGroup tasks(context.get_executor());
  tasks.Spawn(reaper.Run());
  tasks.Spawn(KeepGuard(reaper, HEADROOM_EXPORTER, folder));
  const SteadyTime begun = std::chrono::steady_clock::now();
  const auto status = test::RunCoro(context, reaper.Wait(free, net::After(20s)), 20s);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->signal, SIGKILL);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 1s) << "not before";
  EXPECT_TRUE(net::ProcessStartTime(bound));
  EXPECT_EQ(::kill(bound, SIGKILL), 0);
  tasks.Cancel();  // the guard ends by itself when this process is gone
  test::RunCoro(context, tasks.Join());
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace headroom::exporter

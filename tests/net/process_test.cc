#include "net/process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/files.h"
#include "tests/net/net_fixture.h"

namespace headroom::net::test {
namespace {

using testing::HasSubstr;

class ProcessTest : public testing::Test {
 protected:
  ProcessTest() { group_.Spawn(reaper_.Run()); }
  ~ProcessTest() override {
    group_.Cancel();
    Run(group_.Join());
  }
  template <class T>
  T Run(asio::awaitable<T> task) {
    return RunCoro(context_, std::move(task));
  }
  std::optional<ExitStatus> Wait(pid_t pid) { return Run(reaper_.Wait(pid, After(1500ms))); }
  static SpawnOptions Shell(std::string script) {
    return {.executable = "sh", .arguments = {"-c", std::move(script)}};
  }
  Result<CaptureResult> RunCapture(SpawnOptions options, std::chrono::milliseconds limit = 1500ms) {
    return Run(Capture(reaper_, std::move(options), After(limit)));
  }

  asio::io_context context_{1};
  TaskGroup group_{context_.get_executor(), TaskGroup::Mode::kIndependent};
  Reaper reaper_{context_.get_executor()};
};

TEST_F(ProcessTest, ReportsExitCodeAndSignal) {
  const auto coded = Spawn(Shell("exit 7"));
  ASSERT_TRUE(coded);
  EXPECT_EQ(Wait(*coded)->ToString(), "exit code 7");
  const auto killed = Spawn(Shell("kill -9 $$"));
  ASSERT_TRUE(killed);
  const auto ended = Wait(*killed);
  EXPECT_EQ(ended->ToString(), "signal 9 (Killed)");
  EXPECT_FALSE(ended->ok());
}

TEST_F(ProcessTest, WaitEndsAtItsDeadline) {
  const auto pid = Spawn(Shell("exec sleep 30"));
  ASSERT_TRUE(pid);
  EXPECT_FALSE(Run(reaper_.Wait(*pid, After(10ms))));
  EXPECT_TRUE(ProcessStartTime(*pid));
  ASSERT_TRUE(SignalGroup(*pid, SIGTERM));
  EXPECT_EQ(Wait(*pid)->signal, SIGTERM);
  EXPECT_FALSE(ProcessStartTime(*pid));
}

TEST_F(ProcessTest, AZombieCountsAsGone) {
  const auto pid = Spawn(Shell("exit 0"));
  ASSERT_TRUE(pid);
  siginfo_t info{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(*pid), &info, WEXITED | WNOWAIT), 0);
  EXPECT_FALSE(ProcessStartTime(*pid));
  EXPECT_TRUE(Wait(*pid)->ok());
}

asio::awaitable<bool> GoneSoon(pid_t pid) {
  for (int i = 0; i < 500 && ProcessStartTime(pid); ++i) co_await SleepFor(2ms);
  co_return !ProcessStartTime(pid);
}

TEST_F(ProcessTest, KillingTheGroupReachesGrandchildren) {
  std::string path = testing::TempDir() + "grandchild_XXXXXX";
  close(mkstemp(path.data()));
  // The child ends at once; the grandchild keeps its output open until it is killed.
  const auto got = RunCapture(Shell("sleep 30 & echo $! > " + path), 100ms);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), Code::kTimeout);
  EXPECT_EQ(got.error().message(), "sh: took too long, killed");
  const int grandchild = std::stoi(*ReadFile(path));
  EXPECT_TRUE(Run(GoneSoon(grandchild)));
  unlink(path.c_str());
}

TEST_F(ProcessTest, CapturesOutputAndStatus) {
  const auto got = RunCapture(Shell("echo out; echo err >&2; exit 3"));
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(got->output, "out\n");
  EXPECT_EQ(got->status.code, 3);
  SpawnOptions both = Shell("echo out; echo err >&2");
  both.capture_stderr = true;
  EXPECT_EQ(RunCapture(both)->output, "out\nerr\n");
}

TEST_F(ProcessTest, CapsCapturedOutputWithoutBlockingTheChild) {
  const auto got = RunCapture(Shell("head -c 3000000 /dev/zero"));
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(got->output.size(), 1u << 20);
  EXPECT_TRUE(got->status.ok());
}

TEST_F(ProcessTest, AddsAndReplacesEnvironment) {
  setenv("HEADROOM_TEST_OLD", "inherited", 1);
  SpawnOptions options = Shell("echo $HEADROOM_TEST_OLD $HEADROOM_TEST_NEW");
  EXPECT_EQ(RunCapture(options)->output, "inherited\n");
  options.environment = {"HEADROOM_TEST_OLD=ours", "HEADROOM_TEST_NEW=new"};
  EXPECT_EQ(RunCapture(options)->output, "ours new\n");
  unsetenv("HEADROOM_TEST_OLD");
}

TEST_F(ProcessTest, AppendsOutputToAFile) {
  std::string path = testing::TempDir() + "spawn_output_XXXXXX";
  const int fd = mkstemp(path.data());
  ASSERT_GE(fd, 0);
  close(fd);
  for (int i = 0; i < 2; ++i) {
    SpawnOptions options = Shell("echo out; echo err >&2");
    options.output_file = path;
    const auto pid = Spawn(options);
    ASSERT_TRUE(pid);
    EXPECT_TRUE(Wait(*pid)->ok());
  }
  EXPECT_EQ(*ReadFile(path), "out\nerr\nout\nerr\n");
  unlink(path.c_str());
}

TEST_F(ProcessTest, LeavesOnlyStandardDescriptorsOpen) {
  const int leaky = open("/dev/null", O_RDONLY);  // without O_CLOEXEC
  ASSERT_GE(leaky, 3);
  const auto got = RunCapture(
      Shell("test -e /dev/fd/" + std::to_string(leaky) + " && echo open || echo closed"));
  EXPECT_EQ(got->output, "closed\n");
  close(leaky);
}

TEST_F(ProcessTest, NamesWhatCannotBeStarted) {
  const auto missing = Spawn({.executable = "no-such-program-here"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message(), "no-such-program-here: not found in PATH");
  EXPECT_EQ(missing.error().code(), Code::kNotFound);
  const auto path = Spawn({.executable = "/etc"});
  ASSERT_FALSE(path);
  EXPECT_THAT(path.error().message(), HasSubstr("/etc: Permission denied"));
  SpawnOptions output = Shell("true");
  output.output_file = "/no/such/folder/log";
  const auto no_file = Spawn(output);
  ASSERT_FALSE(no_file);
  EXPECT_THAT(no_file.error().message(), HasSubstr("sh: /no/such/folder/log: No such file"));
}

TEST_F(ProcessTest, NeverSignalsItsOwnGroup) {
  EXPECT_FALSE(SignalGroup(0, SIGTERM));
  EXPECT_FALSE(SignalGroup(1, SIGTERM));
  EXPECT_FALSE(SignalGroup(-5, SIGTERM));
}

}  // namespace
}  // namespace headroom::net::test

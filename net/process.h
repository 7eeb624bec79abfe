// Child processes: posix_spawn in an own process group, exits seen at once through SIGCHLD, output
// to a file, and signals that reach the whole group.
#pragma once

#include <sys/types.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "net/async.h"

namespace headroom::net {

struct SpawnOptions {
  std::string executable;                     // looked up in PATH when it has no '/'
  std::vector<std::string> arguments = {};    // without argv[0]
  std::vector<std::string> environment = {};  // NAME=VALUE added to (or replacing in) ours
  std::string output_file = {};               // stdout and stderr appended; "" = /dev/null
  bool capture_stderr = false;                // Capture() only: stderr joins stdout
};

struct ExitStatus {
  int code = 0;    // when it exited
  int signal = 0;  // when a signal ended it
  bool ok() const { return code == 0 && signal == 0; }
  std::string ToString() const;  // "exit code 1", "signal 9 (Killed)"
};

// Errors name the executable and the reason: "llama-server: not found in PATH".
Result<pid_t> Spawn(const SpawnOptions& options);

// Sends `signal` to the process group of a child made by Spawn(); ESRCH is success.
Result<void> SignalGroup(pid_t pid, int signal);

// Start time of a process in the system's own ticks: with the pid it identifies a process across a
// restart of ours. nullopt when there is no such process (a zombie counts as gone).
std::optional<uint64_t> ProcessStartTime(pid_t pid);

// A process and the process group it is in.
struct ProcessInGroup {
  pid_t pid = 0, group = 0;
};
// Processes of this user that were started with `entry` ("NAME=VALUE") in their environment, which
// their own children inherit. Zombies count as gone.
std::vector<ProcessInGroup> FindByEnvironment(const std::string& entry);

// Waits for children by SIGCHLD and waitpid(pid, WNOHANG) on the pids asked for; one per process.
class Reaper {
 public:
  explicit Reaper(boost::asio::any_io_executor executor);
  ~Reaper();
  boost::asio::awaitable<void> Run();  // until cancelled
  // The exit status of our child `pid`; nullopt when `deadline` passed first. One waiter per pid;
  // a pid that is no child of ours (any more) has ended with code -1.
  boost::asio::awaitable<std::optional<ExitStatus>> Wait(pid_t pid, Deadline deadline);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Runs to completion and returns what it wrote to stdout (capped at 1 MiB) and how it ended. At the
// deadline, and when cancelled, the whole group is killed; needs Reaper::Run() to be running.
struct CaptureResult {
  ExitStatus status;
  std::string output;
};
boost::asio::awaitable<Result<CaptureResult>> Capture(Reaper& reaper, SpawnOptions options,
                                                      Deadline deadline);

}  // namespace headroom::net

#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <map>

#include "net/process.h"

namespace headroom::net {

namespace asio = boost::asio;

namespace {

// Exits nobody waited for yet, kept only as PID 1; orphans are never asked for.
constexpr size_t kKeptExits = 1024;

ExitStatus Decode(int status) {
  if (WIFSIGNALED(status)) return {.code = 0, .signal = WTERMSIG(status)};
  return {.code = WEXITSTATUS(status), .signal = 0};
}

}  // namespace

struct Reaper::State {
  explicit State(asio::any_io_executor executor) : signals(executor, SIGCHLD) {}

  asio::signal_set signals;
  Notifier child_ended;
  std::map<pid_t, ExitStatus> exits;

  // As PID 1 of a container we inherit every orphan, and a zombie nobody reaps stays for good.
  void ReapOrphans() {
    int status = 0;
    for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
      exits[pid] = Decode(status);
      if (exits.size() > kKeptExits) exits.erase(exits.begin());
    }
  }

  std::optional<ExitStatus> Poll(pid_t pid) {
    if (const auto it = exits.find(pid); it != exits.end()) {
      const ExitStatus ended = it->second;
      exits.erase(it);
      return ended;
    }
    int status = 0;
    pid_t ended = 0;
    while ((ended = waitpid(pid, &status, WNOHANG)) < 0 && errno == EINTR) {
    }
    if (ended == pid) return Decode(status);
    if (ended < 0) return ExitStatus{.code = -1, .signal = 0};  // not ours, or waited for before
    return std::nullopt;
  }
};

Reaper::Reaper(asio::any_io_executor executor) : state_(std::make_unique<State>(executor)) {}
Reaper::~Reaper() = default;

asio::awaitable<void> Reaper::Run() {
  for (;;) {
    if (getpid() == 1) state_->ReapOrphans();
    state_->child_ended.Notify();
    co_await state_->signals.async_wait(asio::use_awaitable);
  }
}

asio::awaitable<std::optional<ExitStatus>> Reaper::Wait(pid_t pid, Deadline deadline) {
  for (;;) {
    const auto ended = state_->Poll(pid);
    if (ended) co_return ended;
    const bool notified = co_await state_->child_ended.Wait(deadline);
    if (!notified) co_return state_->Poll(pid);
  }
}

}  // namespace headroom::net

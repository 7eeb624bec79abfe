#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "net/spawn.h"

namespace headroom::net {

namespace asio = boost::asio;

namespace {

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr size_t kMaxOutput = 1 << 20;
// A killed group is gone at once, save for a process in uninterruptible sleep.
constexpr auto kKillWait = std::chrono::seconds(2);

struct Pipe {
  FileDescriptor read, write;
};

Result<Pipe> MakePipe() {
  int ends[2];
  if (pipe(ends) != 0) return Error(Code::kIo, std::string("pipe: ") + strerror(errno));
  Pipe out{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
  for (const int end : ends) fcntl(end, F_SETFD, FD_CLOEXEC);  // no pipe2 on Darwin
  return out;
}

// Shared with the timer's handler, which may be queued when a cancelled reader is gone.
struct Reader {
  Reader(asio::any_io_executor executor, int fd, Deadline deadline)
      : from(executor, fd), timer(executor, deadline) {}
  asio::posix::stream_descriptor from;
  asio::steady_timer timer;
  bool late = false;
};

// Reads until the writers are gone (true) or the deadline has passed (false).
asio::awaitable<bool> ReadAll(std::shared_ptr<Reader> reader, std::string& output) {
  reader->timer.async_wait([weak = std::weak_ptr(reader)](boost::system::error_code ec) {
    const auto self = weak.lock();
    if (ec || !self) return;
    self->late = true;
    self->from.cancel();
  });
  char buffer[4 << 10];
  while (!reader->late) {
    const auto [ec, n] = co_await reader->from.async_read_some(asio::buffer(buffer), kToken);
    output.append(buffer, std::min(n, kMaxOutput - output.size()));
    if (ec) break;
  }
  co_return !reader->late;
}

// Output first, then the exit: a process may close its output early, but not the other way round.
asio::awaitable<std::optional<ExitStatus>> ReadAndWait(Reaper& reaper, pid_t pid, int output_fd,
                                                       Deadline deadline, std::string& output) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  const auto reader = std::make_shared<Reader>(executor, output_fd, deadline);
  const bool complete = co_await ReadAll(reader, output);
  if (!complete) co_return std::nullopt;
  co_return co_await reaper.Wait(pid, deadline);
}

}  // namespace

asio::awaitable<Result<CaptureResult>> Capture(Reaper& reaper, SpawnOptions options,
                                               Deadline deadline) {
  auto pipe = MakePipe();
  if (!pipe) co_return pipe.error().Within(options.executable);
  auto errors = OpenOutput(options);
  if (!errors) co_return errors.error().Within(options.executable);
  const int stderr_fd = options.capture_stderr ? pipe->write.get() : errors->get();
  const auto pid = SpawnWith(options, pipe->write.get(), stderr_fd);
  if (!pid) co_return pid.error();
  pipe->write = FileDescriptor();  // the child's copy is the last one

  CaptureResult result;
  std::optional<ExitStatus> ended;
  std::exception_ptr cancelled;
  try {
    ended = co_await ReadAndWait(reaper, *pid, pipe->read.Release(), deadline, result.output);
  } catch (...) {
    cancelled = std::current_exception();
  }
  if (!ended) {
    co_await asio::this_coro::reset_cancellation_state();
    (void)SignalGroup(*pid, SIGKILL);
    co_await reaper.Wait(*pid, After(kKillWait));  // leaves no zombie
  }
  if (cancelled) std::rethrow_exception(cancelled);
  if (!ended) co_return Error(Code::kTimeout, options.executable + ": took too long, killed");
  result.status = *ended;
  co_return result;
}

}  // namespace headroom::net

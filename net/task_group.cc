#include "net/task_group.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <list>

namespace headroom::net {

namespace asio = boost::asio;

namespace {

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

bool IsCancellation(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const boost::system::system_error& e) {
    return e.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

}  // namespace

struct TaskGroup::Task {
  asio::cancellation_signal signal;
  bool started = false;
  std::exception_ptr error;
};

struct TaskGroup::State {
  State(asio::any_io_executor ex, Mode m)
      : executor(ex), mode(m), changed(ex, SteadyTimer::time_point::max()) {}

  using SteadyTimer = asio::steady_timer;
  asio::any_io_executor executor;
  Mode mode;
  std::list<Task> tasks;  // the live ones
  SteadyTimer changed;    // cancelled when the last task ended
  std::exception_ptr first_error;
  bool cancelled = false;

  void Cancel() {
    cancelled = true;
    for (auto& task : tasks) {
      if (task.started) task.signal.emit(asio::cancellation_type::terminal);
    }
  }

  void OnEnd(std::list<Task>::iterator task) {
    const std::exception_ptr error = task->error;
    tasks.erase(task);
    // What a task throws because we cancelled it is no failure of its own.
    const bool failed = error && !(cancelled && IsCancellation(error));
    if (failed && !first_error) first_error = error;
    if (!cancelled && (failed || mode == Mode::kFirstEndsAll)) Cancel();
    if (tasks.empty()) changed.cancel();
  }
};

// Carries its slot itself: bind_cancellation_slot would associate an executor, through which Boost
// 1.81 posts the cancellation, to a task that may have ended by then.
struct TaskGroup::OnTaskEnd {
  using cancellation_slot_type = asio::cancellation_slot;
  cancellation_slot_type get_cancellation_slot() const noexcept { return task->signal.slot(); }
  void operator()(std::exception_ptr) { state->OnEnd(task); }

  std::shared_ptr<State> state;
  std::list<Task>::iterator task;
};

TaskGroup::TaskGroup(asio::any_io_executor executor, Mode mode)
    : state_(std::make_shared<State>(std::move(executor), mode)) {}

TaskGroup::~TaskGroup() = default;

// Keeps cancellation away from co_spawn's own awaits in front of and behind the task: before Boost
// 1.85 they throw outside of its try block, out of io_context::run().
asio::awaitable<void> TaskGroup::RunTask(std::shared_ptr<State> state, Task& entry,
                                         asio::awaitable<void> task) {
  entry.started = true;
  if (state->cancelled) co_return;
  try {
    co_await std::move(task);
  } catch (...) {
    entry.error = std::current_exception();
  }
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
}

void TaskGroup::Spawn(asio::awaitable<void> task) {
  const auto it = state_->tasks.emplace(state_->tasks.end());
  asio::co_spawn(state_->executor, RunTask(state_, *it, std::move(task)), OnTaskEnd{state_, it});
}

void TaskGroup::Cancel() { state_->Cancel(); }

asio::awaitable<void> TaskGroup::Join() {
  const auto state = state_;
  bool interrupted = false;
  while (!state->tasks.empty()) {
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    if (cancellation.cancelled() != asio::cancellation_type::none) {
      // Our own coroutine is being cancelled: the tasks must still be waited for.
      interrupted = true;
      co_await asio::this_coro::reset_cancellation_state();
      state->Cancel();
      continue;
    }
    co_await state->changed.async_wait(kToken);
  }
  if (state->first_error) std::rethrow_exception(std::exchange(state->first_error, nullptr));
  if (interrupted) throw boost::system::system_error(asio::error::operation_aborted);
}

size_t TaskGroup::size() const { return state_->tasks.size(); }

}  // namespace headroom::net

// TaskGroup owns every coroutine spawned into it: no task outlives the group's Join(). The first
// task to end (by return or by exception) cancels the others; Join() rethrows the first failure.
// One thread, one io_context: nothing here is thread-safe.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>

namespace headroom::net {

class TaskGroup {
 public:
  enum class Mode {
    kFirstEndsAll,  // a task's end cancels the rest (main: server, watcher, signals)
    kIndependent,   // tasks come and go (connections, child watchers); only an exception ends all
  };

  explicit TaskGroup(boost::asio::any_io_executor executor, Mode mode = Mode::kFirstEndsAll);
  ~TaskGroup();  // Join() must have returned, or nothing was spawned, or the context is going away
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // A task cancelled before its first step never runs: what must happen in any case belongs into
  // the destructor of one of its parameters.
  void Spawn(boost::asio::awaitable<void> task);
  void Cancel();  // asks every task to stop (cancellation_type::terminal); Join() waits for them
  boost::asio::awaitable<void> Join();
  size_t size() const;

 private:
  struct State;
  struct Task;
  struct OnTaskEnd;
  static boost::asio::awaitable<void> RunTask(std::shared_ptr<State> state, Task& entry,
                                              boost::asio::awaitable<void> task);
  // Shared with the tasks' completion handlers: when an io_context is destroyed with tasks still
  // suspended, their frames go in any order.
  std::shared_ptr<State> state_;
};

}  // namespace headroom::net

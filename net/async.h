// Small awaitables that everything above shares.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>

#include "common/time.h"

namespace headroom::net {

// Every await that touches a peer carries a deadline, never a bare duration, so that a sequence of
// steps shares one budget.
using Deadline = SteadyTime;
Deadline After(std::chrono::milliseconds duration);

boost::asio::awaitable<void> SleepFor(std::chrono::milliseconds duration);

// Returns after SIGINT or SIGTERM, with the signal's number.
boost::asio::awaitable<int> UntilSignal();

// Runs `work` on the process's one worker thread (hashing, big file reads) and resumes here.
// `work` must own what it uses (results travel through a shared_ptr in its captures): a cancelled
// caller resumes at once while the work runs on. Keep one piece under a second, because the
// process's end waits for it. What `work` throws is rethrown here.
boost::asio::awaitable<void> RunBlocking(std::function<void()> work);

// A wake-up that any number of coroutines can wait on: Notify() wakes those waiting now.
class Notifier {
 public:
  Notifier();
  ~Notifier();
  void Notify();
  // True when notified, false when `deadline` passed first.
  boost::asio::awaitable<bool> Wait(Deadline deadline);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace headroom::net

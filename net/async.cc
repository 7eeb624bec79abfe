#include "net/async.h"

#include <algorithm>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <csignal>
#include <list>

namespace headroom::net {

namespace asio = boost::asio;

namespace {

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

// The worker thread belongs to the io_context, whose end waits for it.
class Worker : public asio::execution_context::service {
 public:
  using key_type = Worker;
  static inline asio::execution_context::id id;

  explicit Worker(asio::execution_context& context) : service(context), pool_(1) {}
  asio::thread_pool& pool() { return pool_; }

 private:
  void shutdown() noexcept override {
    pool_.stop();
    pool_.join();
  }
  asio::thread_pool pool_;
};

struct Job {
  Job(asio::any_io_executor executor, std::function<void()> w)
      : wake(executor, SteadyTime::max()), work(std::move(w)) {}
  asio::steady_timer wake;
  std::function<void()> work;
  std::exception_ptr error;
  bool done = false;
};

void RunJob(const std::shared_ptr<Job>& job, const asio::any_io_executor& executor) {
  try {
    job->work();
  } catch (...) {
    job->error = std::current_exception();
  }
  asio::post(executor, [job] {
    job->done = true;
    job->wake.cancel();
  });
}

}  // namespace

Deadline After(std::chrono::milliseconds duration) {
  const auto now = std::chrono::steady_clock::now();
  const auto room = std::chrono::duration_cast<std::chrono::milliseconds>(Deadline::max() - now);
  return duration < room ? now + duration : Deadline::max();
}

asio::awaitable<void> SleepFor(std::chrono::milliseconds duration) {
  asio::steady_timer timer(co_await asio::this_coro::executor, After(duration));
  co_await timer.async_wait(asio::use_awaitable);
}

asio::awaitable<int> UntilSignal() {
  asio::signal_set signals(co_await asio::this_coro::executor, SIGINT, SIGTERM);
  co_return co_await signals.async_wait(asio::use_awaitable);
}

asio::awaitable<void> RunBlocking(std::function<void()> work) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  asio::execution_context& context = asio::query(executor, asio::execution::context);
  const auto job = std::make_shared<Job>(executor, std::move(work));
  asio::post(asio::use_service<Worker>(context).pool(), [job, executor] { RunJob(job, executor); });
  while (!job->done) {
    const auto [ec] = co_await job->wake.async_wait(kToken);
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    if (cancellation.cancelled() != asio::cancellation_type::none) {
      throw boost::system::system_error(ec ? ec : asio::error::operation_aborted);
    }
  }
  if (job->error) std::rethrow_exception(job->error);
}

struct Notifier::State {
  struct Waiter {
    explicit Waiter(asio::any_io_executor executor, Deadline deadline)
        : timer(executor, deadline) {}
    asio::steady_timer timer;
    bool notified = false;
  };
  std::list<Waiter> waiters;
};

Notifier::Notifier() : state_(std::make_shared<State>()) {}
Notifier::~Notifier() = default;

void Notifier::Notify() {
  for (auto& waiter : state_->waiters) {
    waiter.notified = true;
    waiter.timer.cancel();
  }
}

asio::awaitable<bool> Notifier::Wait(Deadline deadline) {
  struct Entry {
    std::shared_ptr<State> state;  // outlives the Notifier when frames are destroyed out of order
    std::list<State::Waiter>::iterator it;
    ~Entry() { state->waiters.erase(it); }
  };
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  const auto it = state_->waiters.emplace(state_->waiters.end(), executor, deadline);
  const Entry entry{state_, it};
  const auto [ec] = co_await it->timer.async_wait(kToken);
  if (it->notified) co_return true;
  if (ec) throw boost::system::system_error(ec);
  co_return false;
}

}  // namespace headroom::net

#include "webhook/header_cache.h"

namespace headroom::webhook {
namespace {

namespace asio = boost::asio;

// Longer than any admission: the header is there for the retry that HR-302 asks for.
constexpr std::chrono::milliseconds kRemoteTime{30'000};
// Nodes are near; one that does not answer must not keep the next place from being asked.
constexpr std::chrono::milliseconds kNodeTime{3'000};

SteadyTime Now() { return std::chrono::steady_clock::now(); }

}  // namespace

HeaderCache::HeaderCache(asio::any_io_executor executor, Fetch fetch, HeaderTableOptions options)
    : fetch_(std::move(fetch)),
      table_(options),
      tasks_(std::move(executor), net::TaskGroup::Mode::kIndependent) {}

HeaderState HeaderCache::Find(const HeaderNeed& need) { return table_.Find(need, Now()); }

void HeaderCache::Start(const HeaderNeed& need) {
  if (!stopping_ && table_.Begin(need, Now())) tasks_.Spawn(RunFetch(need));
}

asio::awaitable<void> HeaderCache::RunFetch(HeaderNeed need) {
  // A cancelled fetch must not leave its entry "in flight" for ever.
  struct Guard {
    HeaderTable& table;
    net::Notifier& changed;
    const HeaderNeed& need;
    bool finished = false;
    ~Guard() {
      if (finished) return;
      table.Abandon(need);
      changed.Notify();
    }
  } guard{table_, changed_, need};
  const net::Deadline deadline = net::After(need.remote() ? kRemoteTime : kNodeTime);
  std::string known = table_.KnownRevision(need);
  auto result = co_await fetch_(need, std::move(known), deadline);
  guard.finished = true;
  table_.Finish(need, std::move(result), Now());
  changed_.Notify();
}

asio::awaitable<void> HeaderCache::WaitFor(HeaderNeed need, net::Deadline deadline) {
  while (true) {
    const HeaderState::Kind kind = table_.Find(need, Now()).kind;
    const bool queued = kind == HeaderState::Kind::kMissing && !stopping_ && !table_.HasPlace(need);
    if (kind != HeaderState::Kind::kPending && !queued) co_return;
    const bool notified = co_await changed_.Wait(deadline);
    if (!notified) co_return;
    if (queued && table_.Find(need, Now()).kind == HeaderState::Kind::kMissing) Start(need);
  }
}

asio::awaitable<void> HeaderCache::Stop() {
  stopping_ = true;
  tasks_.Cancel();
  co_await tasks_.Join();
  changed_.Notify();
}

}  // namespace headroom::webhook

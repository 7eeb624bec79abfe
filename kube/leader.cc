#include "kube/leader.h"

#include "common/log.h"

namespace headroom::kube {

namespace asio = boost::asio;

namespace {

SteadyTime Now() { return std::chrono::steady_clock::now(); }

}  // namespace

Leader::Leader(ApiClient& client, std::string ns, std::string name, std::string identity)
    : client_(client), ns_(std::move(ns)), name_(std::move(name)), election_(std::move(identity)) {}

asio::awaitable<Result<Json>> Leader::Write(bool exists, Json lease) {
  if (exists) co_return co_await client_.Update(ResourcePath(kLeaseType, ns_, name_), lease);
  lease.Make({"metadata"}).Set("name", name_);
  lease.Make({"metadata"}).Set("namespace", ns_);
  co_return co_await client_.Create(ResourcePath(kLeaseType, ns_, ""), std::move(lease));
}

asio::awaitable<Result<void>> Leader::Take() {
  const auto asked = Now();
  auto lease = co_await client_.Get(ResourcePath(kLeaseType, ns_, name_));
  if (retired_) co_return Result<void>();
  const bool exists = lease.has_value();
  if (!exists && lease.error().code() != Code::kNotFound) co_return lease.error();
  auto next = election_.Next(exists ? *lease : Json(), Now(), client_.ServerTime());
  if (!next) co_return Result<void>();
  const auto written = co_await Write(exists, std::move(*next));
  if (written) {
    election_.OnWritten(asked);
    co_return Result<void>();
  }
  // Another was faster, or took it from us; the next round sees who.
  if (written.error().code() == Code::kConflict) {
    election_.OnLost();
    co_return Result<void>();
  }
  co_return written.error();
}

asio::awaitable<void> Leader::Run(std::function<void()> on_change) {
  bool led = false;
  std::string last_problem;
  for (;;) {
    const auto taken = co_await Take();
    std::string problem = taken ? "" : taken.error().message();
    if (!problem.empty() && problem != last_problem) {
      LogWarn("cannot take part in the election",
              {{"lease", ns_ + "/" + name_}, {"error", problem}});
    }
    last_problem = std::move(problem);
    if (leads() != led) {
      led = !led;
      LogInfo(led ? "leading" : "no longer leading", {{"lease", ns_ + "/" + name_}});
      on_change();
    }
    co_await net::SleepFor(Election::kRetry);
  }
}

asio::awaitable<void> Leader::Release() {
  retired_ = true;
  const auto lease = co_await client_.Get(ResourcePath(kLeaseType, ns_, name_));
  if (!lease) co_return;
  auto next = election_.Release(*lease, client_.ServerTime());
  if (next) co_await client_.Update(ResourcePath(kLeaseType, ns_, name_), std::move(*next));
}

}  // namespace headroom::kube

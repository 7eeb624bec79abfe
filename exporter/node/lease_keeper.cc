#include "exporter/node/lease_keeper.h"

#include <algorithm>

#include "common/log.h"
#include "exporter/node/node_document.h"

namespace headroom::exporter {

namespace asio = boost::asio;

namespace {

constexpr std::string_view kNamespace = "kube-node-lease";

SteadyTime Now() { return std::chrono::steady_clock::now(); }

}  // namespace

LeaseOptions LeaseOptions::For(std::chrono::seconds duration) {
  const std::chrono::milliseconds d = duration;
  return {.duration = duration,
          .interval = d / 4,
          .retry = d / 16,
          .timeout = d / 8,
          .trust = d * 5 / 8,
          .first_trust = d / 8,
          .on_trust = nullptr};
}

LeaseKeeper::LeaseKeeper(kube::ApiClient& api, std::string node, LeaseOptions options,
                         std::function<Owner()> owner)
    : api_(api),
      node_(std::move(node)),
      options_(std::move(options)),
      owner_(std::move(owner)),
      trusted_until_(Now() + options_.first_trust) {}

asio::awaitable<void> LeaseKeeper::Run() {
  if (options_.on_trust) options_.on_trust(trusted_until_);
  for (;;) {
    const auto renewed = co_await Renew();
    Tell(renewed);
    const auto pause = renewed ? options_.interval : options_.retry;
    co_await wake_.Wait(net::After(pause));
  }
}

asio::awaitable<Result<void>> LeaseKeeper::Renew() {
  const Owner owner = owner_();
  if (!known_ || (!labelled_ && !owner.registered)) co_return co_await Look(owner);
  co_return co_await Write(owner);
}

// Whose Lease it is. A kubelet's is watched: it is what others judge this node by.
asio::awaitable<Result<void>> LeaseKeeper::Look(Owner owner) {
  const SteadyTime sent = Now();
  const auto lease =
      co_await api_.Get(kube::ResourcePath(kube::kLeaseType, kNamespace, node_), options_.timeout);
  if (!lease && lease.error().code() != Code::kNotFound) co_return lease.error();
  labelled_ = !lease || StringOr(*lease, {"metadata", "labels", kLeaseLabel}) == "true";
  known_ = true;
  if (labelled_ || owner.registered) co_return co_await Write(owner);
  const LeaseRecord record = DecodeLease(*lease);
  // It was renewed after we looked the last time.
  if (seen_ != record && !seen_.mark.empty()) {
    Trust(seen_at_, std::chrono::milliseconds(record.duration) * 5 / 8);
  }
  seen_ = record;
  seen_at_ = sent;
  co_return Result<void>();
}

// The owner goes with every renewal: a Node registered anew has another uid, and a Lease that names
// the old one would be collected as garbage.
asio::awaitable<Result<void>> LeaseKeeper::Write(Owner owner) {
  const SteadyTime sent = Now();
  const Json lease =
      LeaseDocument(node_, owner.uid, options_.duration, std::chrono::system_clock::now());
  auto written = co_await api_.MergePatch(kube::ResourcePath(kube::kLeaseType, kNamespace, node_),
                                          lease, options_.timeout);
  if (!written && written.error().code() == Code::kNotFound) {
    written = co_await api_.Create(kube::ResourcePath(kube::kLeaseType, kNamespace, ""), lease);
  }
  if (!written) co_return written.error();
  Trust(sent, options_.trust);
  co_return Result<void>();
}

void LeaseKeeper::Trust(SteadyTime sent, std::chrono::milliseconds trust) {
  if (sent > trusted_until_) ++missed_;
  trusted_until_ = std::max(trusted_until_, sent + trust);
  if (options_.on_trust) options_.on_trust(trusted_until_);
}

void LeaseKeeper::Tell(const Result<void>& result) {
  const std::string problem = result ? "" : result.error().message();
  if (!problem.empty() && problem_.empty()) {
    LogWarn("the Lease cannot be renewed", {{"node", node_}, {"error", problem}});
  }
  if (problem.empty() && !problem_.empty())
    LogInfo("the Lease is renewed again", {{"node", node_}});
  problem_ = problem;
}

}  // namespace headroom::exporter

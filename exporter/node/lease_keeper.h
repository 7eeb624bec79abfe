// LeaseKeeper: the Lease by which others see that this node lives, and until when what it claimed
// is safe from them. It runs beside the Node's publisher, never behind one of its writes. Where a
// kubelet renews the Lease, it only watches it. One per process.
//
// Others take a claim over when they saw the Lease unchanged for its whole duration D, which is not
// before D after the last renewal was sent. Out of touch, this node stops what others may take 5/8
// D after that, and has until 3/4 D to kill what does not end by itself
// (SupervisorPolicy::fence_drain). Only durations are compared, each by one monotonic clock: clocks
// may be set as they like. What this cannot see is a machine that was suspended meanwhile: it finds
// out when it wakes up.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <string>

#include "exporter/models/holder_watch.h"
#include "kube/client.h"
#include "net/async.h"

namespace headroom::exporter {

struct LeaseOptions {
  std::chrono::seconds duration{40};           // as long as a kubelet's
  std::chrono::milliseconds interval{10'000};  // between two renewals
  std::chrono::milliseconds retry{2'500};      // after one that failed
  std::chrono::milliseconds timeout{5'000};    // of one
  std::chrono::milliseconds trust{25'000};     // after one was sent, claims are relied on
  // At a start nothing is known of the renewals of the exporter before.
  std::chrono::milliseconds first_trust{5'000};

  std::function<void(SteadyTime)> on_trust;  // hears until when claims are relied on; may be empty

  static LeaseOptions For(std::chrono::seconds duration);
};

class LeaseKeeper {
 public:
  struct Owner {
    std::string uid;          // of our Node; "" = not known
    bool registered = false;  // by an exporter: there is no kubelet
  };
  // `api` and what `owner` refers to outlive this.
  LeaseKeeper(kube::ApiClient& api, std::string node, LeaseOptions options,
              std::function<Owner()> owner);

  boost::asio::awaitable<void> Run();  // until cancelled
  void Wake() { wake_.Notify(); }      // the owner is another one
  SteadyTime trusted_until() const { return trusted_until_; }
  // Renewals that came so late that others may have thought us dead.
  uint64_t missed() const { return missed_; }

 private:
  boost::asio::awaitable<Result<void>> Renew();
  boost::asio::awaitable<Result<void>> Look(Owner owner);
  boost::asio::awaitable<Result<void>> Write(Owner owner);
  void Trust(SteadyTime sent, std::chrono::milliseconds trust);
  void Tell(const Result<void>& result);

  kube::ApiClient& api_;
  std::string node_;
  LeaseOptions options_;
  std::function<Owner()> owner_;
  net::Notifier wake_;
  SteadyTime trusted_until_;
  bool known_ = false, labelled_ = false;  // the Lease was read; an exporter made it
  LeaseRecord seen_;                       // of a kubelet's
  SteadyTime seen_at_{};
  std::string problem_;
  uint64_t missed_ = 0;
};

}  // namespace headroom::exporter

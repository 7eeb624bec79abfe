// A webhook that makes its own certificates. All replicas follow one Secret and serve with what it
// holds; one of them, the leader, carries out what certs::Rotation decides: it writes the Secret
// and the caBundle of the webhook configuration, and goes on when it sees them changed.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <optional>
#include <string>

#include "certs/rotation.h"
#include "kube/client.h"
#include "kube/leader.h"
#include "kube/object_feed.h"
#include "net/async.h"
#include "net/tls.h"
#include "webhook/certs/trust.h"

namespace headroom::webhook {

// Serves until the Secret has a certificate, so that the probes get an answer. Nobody trusts it.
Result<net::TlsPair> MakePlaceholder(WallTime now);

class SelfManaged {
 public:
  struct Settings {
    std::string ns, secret;  // the Secret, and the Lease of the same name
    certs::RotationPolicy policy;
    std::chrono::milliseconds check_interval{60'000};  // by the wall clock: timers stop in a sleep
  };
  // What is given must outlive this.
  SelfManaged(boost::asio::any_io_executor executor, kube::ApiClient& client, net::TlsServer& tls,
              Trust& trust, Settings settings);

  // Until cancelled. Follows the trust's configuration too.
  boost::asio::awaitable<void> Run();
  // Lets another replica lead at once; for the end of the process.
  boost::asio::awaitable<void> HandOver();

  // "" when the Secret has given us a certificate, else what is missing.
  std::string Missing() const;

 private:
  boost::asio::awaitable<void> LookAgainAndAgain();
  boost::asio::awaitable<Result<void>> Look();
  boost::asio::awaitable<Result<void>> Store(certs::Material material);
  boost::asio::awaitable<Result<void>> Publish(std::string ca_bundle);
  boost::asio::awaitable<void> FollowSecret();
  void Adopt();
  void Wake();

  boost::asio::any_io_executor executor_;
  kube::ApiClient& client_;
  net::TlsServer& tls_;
  Trust& trust_;
  Settings settings_;
  certs::Rotation rotation_;
  kube::Leader leader_;
  kube::FeedStatus secret_status_;
  std::optional<Json> secret_;
  bool has_certificate_ = false;
  std::string refused_;  // the certificate of the Secret that was not taken, told once
  bool look_ = true;     // something changed since the last look
  net::Notifier changed_;
};

}  // namespace headroom::webhook

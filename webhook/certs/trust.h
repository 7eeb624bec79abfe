// Whether the API server will accept our certificate: follows the live webhook configuration and
// checks the certificate in use against it. In every certificate mode.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <string>

#include "kube/client.h"
#include "kube/object_feed.h"
#include "net/tls.h"
#include "webhook/certs/configuration.h"

namespace headroom::webhook {

class Trust {
 public:
  // `client` and `tls` must outlive this. `configuration` is the name of a
  // ValidatingWebhookConfiguration.
  Trust(kube::ApiClient& client, const net::TlsServer& tls, std::string configuration);

  // Follows the configuration until cancelled; `on_change` is called after each change of it.
  boost::asio::awaitable<void> Run(std::function<void()> on_change);

  // Of the certificate in use, or why it is not accepted; as of the API server's clock.
  Result<certs::CertificateInfo> Check() const;
  // The same for another one.
  Result<certs::CertificateInfo> Check(std::string_view certificate_pem) const;

  // nullopt when there is none by that name, or none was read yet.
  const std::optional<WebhookConfiguration>& live() const { return live_; }

 private:
  kube::ApiClient& client_;
  const net::TlsServer& tls_;
  std::string name_;
  kube::FeedStatus status_;
  std::optional<WebhookConfiguration> live_;
};

}  // namespace headroom::webhook

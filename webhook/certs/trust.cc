#include "webhook/certs/trust.h"

namespace headroom::webhook {

namespace asio = boost::asio;

Trust::Trust(kube::ApiClient& client, const net::TlsServer& tls, std::string configuration)
    : client_(client), tls_(tls), name_(std::move(configuration)) {}

asio::awaitable<void> Trust::Run(std::function<void()> on_change) {
  kube::ObjectSink sink = [this, &on_change](kube::ObjectEvent event) {
    using Type = kube::ObjectEvent::Type;
    if (event.type == Type::kUpsert) live_ = DecodeConfiguration(event.object);
    if (event.type == Type::kDelete) live_.reset();
    on_change();
  };
  co_await kube::RunReflector(client_, kube::kValidatingWebhookType, std::move(sink), status_,
                              kube::kReflectorBackoff, {.name = name_});
}

Result<certs::CertificateInfo> Trust::Check() const { return Check(tls_.chain_pem()); }

Result<certs::CertificateInfo> Trust::Check(std::string_view certificate_pem) const {
  if (live_) return CheckTrust(*live_, certificate_pem, client_.ServerTime());
  const std::string subject = "validatingwebhookconfiguration " + name_;
  if (!status_.last_error.empty()) {
    return Error(Code::kUnavailable, subject + " cannot be read: " + status_.last_error);
  }
  if (!status_.synced) return Error(Code::kUnavailable, subject + " has not been read yet");
  return Error(Code::kNotFound, subject + " does not exist");
}

}  // namespace headroom::webhook

#include "webhook/certs/configuration.h"

#include <optional>

#include "kube/base64.h"
#include "kube/objects.h"
#include "net/http.h"

namespace headroom::webhook {
namespace {

// The API server checks a Service's certificate for NAME.NAMESPACE.svc.
std::string HostOf(const Json& entry) {
  const std::string service = StringOr(entry, {"clientConfig", "service", "name"});
  if (!service.empty()) {
    return service + "." + StringOr(entry, {"clientConfig", "service", "namespace"}) + ".svc";
  }
  const auto url = net::ParseUrl(StringOr(entry, {"clientConfig", "url"}));
  return url ? url->host : "";
}

}  // namespace

WebhookConfiguration DecodeConfiguration(const Json& object) {
  const kube::Meta meta = kube::DecodeMeta(object);
  WebhookConfiguration out{meta.name, meta.uid, {}};
  const Json* webhooks = object.Find("webhooks");
  if (webhooks == nullptr || webhooks->AsArray() == nullptr) return out;
  for (const Json& entry : *webhooks->AsArray()) {
    const auto bundle = kube::DecodeBase64(StringOr(entry, {"clientConfig", "caBundle"}));
    out.entries.push_back({StringOr(entry, {"name"}), HostOf(entry), bundle ? *bundle : ""});
  }
  return out;
}

Json CaBundlePatch(const WebhookConfiguration& configuration, std::string_view ca_bundle_pem) {
  Json webhooks = Json::MakeArray();
  for (const WebhookEntry& entry : configuration.entries) {
    Json item = Json::MakeObject();
    item.Set("name", entry.name);
    item.Make({"clientConfig"}).Set("caBundle", kube::EncodeBase64(ca_bundle_pem));
    webhooks.Append(std::move(item));
  }
  Json patch = Json::MakeObject();
  patch.Set("apiVersion", kube::kValidatingWebhookType.group_version);
  patch.Set("kind", kube::kValidatingWebhookType.kind);
  patch.Make({"metadata"}).Set("name", configuration.name);
  patch.Make({"metadata"}).Set("uid", configuration.uid);
  patch.Set("webhooks", std::move(webhooks));
  return patch;
}

Result<certs::CertificateInfo> CheckTrust(const WebhookConfiguration& configuration,
                                          std::string_view certificate_pem, WallTime now) {
  const std::string subject = "validatingwebhookconfiguration " + configuration.name;
  if (configuration.entries.empty()) {
    return Error(Code::kInvalid, subject + ": webhooks: expected an entry, found none");
  }
  std::optional<certs::CertificateInfo> first_to_end;
  for (const WebhookEntry& entry : configuration.entries) {
    const std::string where = subject + ": webhook " + entry.name;
    if (entry.ca_bundle.empty()) {
      return Error(Code::kInvalid, where + ": clientConfig.caBundle: is not set yet");
    }
    auto ca = certs::VerifyChain(certificate_pem, entry.ca_bundle, entry.host, now);
    if (!ca) return ca.error().Within(where + ": caBundle");
    if (!first_to_end || ca->not_after < first_to_end->not_after) first_to_end = std::move(*ca);
  }
  return *first_to_end;
}

}  // namespace headroom::webhook

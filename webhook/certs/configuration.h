// The ValidatingWebhookConfiguration as far as certificates go: whom the API server will call, and
// what it trusts there. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "certs/certs.h"
#include "common/json.h"
#include "common/result.h"
#include "common/time.h"

namespace headroom::webhook {

struct WebhookEntry {
  std::string name;       // "fit.headroom.dev"
  std::string host;       // name the certificate is checked for: "SERVICE.NAMESPACE.svc"
  std::string ca_bundle;  // PEM; "" when it is not set or no base64
};

struct WebhookConfiguration {
  std::string name, uid;
  std::vector<WebhookEntry> entries;
};
WebhookConfiguration DecodeConfiguration(const Json& object);

// A server-side apply of nothing but every entry's caBundle. The uid makes it fail on a
// configuration that was deleted or made anew meanwhile.
Json CaBundlePatch(const WebhookConfiguration& configuration, std::string_view ca_bundle_pem);

// Ok when the API server accepts `certificate_pem` at every entry; the value is the CA by which it
// does (the one that ends first). Errors name configuration and entry.
Result<certs::CertificateInfo> CheckTrust(const WebhookConfiguration& configuration,
                                          std::string_view certificate_pem, WallTime now);

}  // namespace headroom::webhook

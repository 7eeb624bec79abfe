#include "webhook/certs/secret.h"

#include "kube/base64.h"

namespace headroom::webhook {
namespace {

std::string DataOf(const Json& secret, std::string_view key) {
  const auto decoded = kube::DecodeBase64(StringOr(secret, {"data", key}));
  return decoded ? *decoded : "";
}

}  // namespace

certs::Material MaterialOf(const Json& secret) {
  return {DataOf(secret, "ca.crt"), DataOf(secret, "ca.key"), DataOf(secret, "tls.crt"),
          DataOf(secret, "tls.key")};
}

Json WithMaterial(Json secret, const certs::Material& material) {
  Json& data = secret.Make({"data"});
  data.Set("ca.crt", kube::EncodeBase64(material.ca_pem));
  data.Set("ca.key", kube::EncodeBase64(material.ca_key_pem));
  data.Set("tls.crt", kube::EncodeBase64(material.leaf_pem));
  data.Set("tls.key", kube::EncodeBase64(material.leaf_key_pem));
  return secret;
}

}  // namespace headroom::webhook

#include "webhook/options.h"

#include "net/http.h"

namespace headroom::webhook {
namespace {

void AddServerFlags(Flags& flags, Options& options) {
  net::AddListenFlags(flags, options);
  flags.Add("tls-min-version", "1.2|1.3",
            "oldest TLS version served; 1.2 only with ECDHE and AEAD suites", "1.3",
            [&options](std::string_view text) -> Result<void> {
              if (text != "1.2" && text != "1.3") {
                return Error(Code::kInvalid,
                             "expected 1.2 or 1.3, got '" + std::string(text) + "'");
              }
              options.allow_tls12 = text == "1.2";
              return {};
            });
  flags.Add("client-ca", options.client_ca, "FILE",
            "callers must present a certificate signed by this CA (PEM)");
  flags.Add("client-allowed-subject", options.client_subjects, "NAME",
            "common name or DNS name such a certificate must carry; none = any");
  flags.Add("access-log", options.access_log,
            "one JSON line on stdout for each review, with its decision and times");
  flags.Add("shutdown-delay", options.shutdown_delay,
            "how long to keep accepting after SIGTERM, until the API server has noticed");
}

void AddCertificateFlags(Flags& flags, Options& options) {
  flags.Add("self-managed-certs", options.self_managed_certs,
            "make and renew the certificate and its CA, shared by all replicas through a Secret");
  flags.Add("namespace", options.ns, "NAME",
            "namespace of Secret, Lease and Service; unset = the service account's");
  flags.Add("cert-secret", options.cert_secret, "NAME",
            "Secret (made empty beforehand) and Lease of --self-managed-certs");
  flags.Add("service-name", options.service_name, "NAME",
            "Service that the certificate of --self-managed-certs is made for");
  flags.Add("webhook-configuration", options.webhook_configuration, "NAME",
            "ValidatingWebhookConfiguration that must trust our certificate before we are ready, "
            "and whose caBundle --self-managed-certs keeps");
}

void AddViewFlags(Flags& flags, Options& options) {
  flags.Add("kubeconfig", options.kubeconfig, "FILE",
            "how to reach the API server; unset without --nodes = the pod's service account");
  flags.Add("nodes", options.nodes, "FILE|URL",
            "Node objects instead of (or beside) a cluster's: YAML or JSON, or an exporter's "
            "http://HOST:PORT/v1/node");
  flags.Add("manifests", options.manifests, "DIR",
            "folder of accepted Model and InferenceService manifests, for use without a cluster");
}

void AddSourceFlags(Flags& flags, Options& options) {
  flags.Add("unknown-size", "deny|warn", "what to do with a model whose size cannot be known",
            "deny", [&options](std::string_view text) -> Result<void> {
              if (text != "deny" && text != "warn") {
                return Error(Code::kInvalid,
                             "expected deny or warn, got '" + std::string(text) + "'");
              }
              options.allow_unknown = text == "warn";
              return {};
            });
  flags.Add("source-allow", options.source_allow, "HOST|CIDR",
            "hosts that headers may be read from, beside huggingface.co and its CDN: HOST[:PORT], "
            "*.DOMAIN, ADDRESS/PREFIX (also admits a private address)");
  flags.Add("source-ca", options.source_ca, "FILE",
            "trust this CA (PEM) for sources instead of the system's");
  flags.Add("node-token-file", options.node_token_file, "FILE",
            "bearer token for the exporters' /v1/header");
  flags.Add("node-ca", options.node_ca, "FILE",
            "trust this CA (PEM) for exporters, and send the node token over TLS only");
  flags.Add("node-allow", options.node_allow, "ADDRESS[/PREFIX]",
            "addresses of exporters beside the status.addresses of their Nodes");
}

bool IsLoopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

}  // namespace

Flags MakeFlags(Options& options) {
  Flags flags("headroom-webhook",
              "headroom-webhook --tls-cert FILE --tls-key FILE | --self-managed-certs [FLAGS]\n"
              "Validating admission webhook: refuses a Model or InferenceService that does not fit "
              "its node's memory budget, and says what would.");
  AddServerFlags(flags, options);
  AddCertificateFlags(flags, options);
  AddViewFlags(flags, options);
  AddSourceFlags(flags, options);
  return flags;
}

namespace {

Result<void> CheckCertificates(const Options& options) {
  const bool has_files = !options.tls_cert.empty();
  if (options.self_managed_certs && has_files) {
    return Error(Code::kInvalid, "--self-managed-certs: not together with --tls-cert");
  }
  if (options.self_managed_certs &&
      (options.webhook_configuration.empty() || options.service_name.empty())) {
    return Error(Code::kInvalid,
                 "--self-managed-certs: needs --webhook-configuration and --service-name");
  }
  const bool in_cluster = options.nodes.empty() || !options.kubeconfig.empty();
  if (!options.webhook_configuration.empty() && !in_cluster) {
    return Error(Code::kInvalid, "--webhook-configuration: needs a cluster (--kubeconfig)");
  }
  if (!options.webhook_configuration.empty() && !HasTls(options)) {
    return Error(
        Code::kInvalid,
        "--webhook-configuration: needs --tls-cert and --tls-key, or --self-managed-certs");
  }
  if (!options.client_ca.empty() && !HasTls(options)) {
    return Error(Code::kInvalid,
                 "--client-ca: needs --tls-cert and --tls-key, or --self-managed-certs");
  }
  if (!options.client_subjects.empty() && options.client_ca.empty()) {
    return Error(Code::kInvalid, "--client-allowed-subject: needs --client-ca");
  }
  return {};
}

}  // namespace

bool HasTls(const Options& options) {
  return !options.tls_cert.empty() || options.self_managed_certs;
}

Result<void> CheckOptions(const Options& options) {
  if (const auto checked = net::CheckListenOptions(options); !checked) return checked.error();
  if (const auto checked = CheckCertificates(options); !checked) return checked.error();
  if (!HasTls(options) && !IsLoopback(net::ParseEndpoint(options.listen)->host)) {
    return Error(Code::kInvalid,
                 "--tls-cert: is needed to listen on " + options.listen +
                     "; without TLS only a loopback address is served (--listen=127.0.0.1:9443)");
  }
  return {};
}

}  // namespace headroom::webhook

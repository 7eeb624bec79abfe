#include "webhook/options.h"

#include "net/http.h"

namespace headroom::webhook {
namespace {

void AddServerFlags(Flags& flags, Options& options) {
  net::AddListenFlags(flags, options);
  flags.Add("client-ca", options.client_ca, "FILE",
            "callers must present a certificate signed by this CA (PEM)");
  flags.Add("shutdown-delay", options.shutdown_delay,
            "how long to keep accepting after SIGTERM, until the API server has noticed");
}

void AddViewFlags(Flags& flags, Options& options) {
  flags.Add("kubeconfig", options.kubeconfig, "FILE",
            "how to reach the API server; unset without --nodes = the pod's service account");
  flags.Add("nodes", options.nodes, "FILE|URL",
            "Node objects instead of (or beside) a cluster's: YAML or JSON, or an exporter's "
            "http://HOST:PORT/v1/node; repeatable");
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
            "*.DOMAIN, ADDRESS/PREFIX (also admits a private address); repeatable");
  flags.Add("source-ca", options.source_ca, "FILE",
            "trust this CA (PEM) for sources instead of the system's");
  flags.Add("node-token-file", options.node_token_file, "FILE",
            "bearer token for the exporters' /v1/header");
}

bool IsLoopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

}  // namespace

Flags MakeFlags(Options& options) {
  Flags flags("headroom-webhook",
              "headroom-webhook --tls-cert FILE --tls-key FILE [FLAGS]\n"
              "Validating admission webhook: refuses a Model or InferenceService that does not fit "
              "its node's memory budget, and says what would.");
  AddServerFlags(flags, options);
  AddViewFlags(flags, options);
  AddSourceFlags(flags, options);
  return flags;
}

Result<void> CheckOptions(const Options& options) {
  if (const auto checked = net::CheckListenOptions(options); !checked) return checked.error();
  if (options.tls_cert.empty() && !IsLoopback(net::ParseEndpoint(options.listen)->host)) {
    return Error(Code::kInvalid,
                 "--tls-cert: is needed to listen on " + options.listen +
                     "; without TLS only a loopback address is served (--listen=127.0.0.1:9443)");
  }
  if (options.tls_cert.empty() && !options.client_ca.empty()) {
    return Error(Code::kInvalid, "--client-ca: needs --tls-cert and --tls-key");
  }
  return {};
}

}  // namespace headroom::webhook

// Command line of headroom-webhook.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "common/flags.h"
#include "net/listen_options.h"

namespace headroom::webhook {

// How long what a self-managed webhook signs is good for, and how often that is looked at. No
// flags: tests shorten it.
struct CertificateTimes {
  std::chrono::seconds leaf = std::chrono::hours(24 * 90);
  std::chrono::seconds ca = std::chrono::hours(24 * 365 * 5);
  std::chrono::seconds settle{60};
  std::chrono::milliseconds check{60'000};
};

struct Options : net::ListenOptions {
  Options() { listen = "127.0.0.1:9443"; }

  bool allow_tls12 = false;
  std::string client_ca;
  std::vector<std::string> client_subjects;
  bool self_managed_certs = false;
  std::string ns;  // "" = where the service account or the kubeconfig's context is
  std::string cert_secret = "headroom-webhook-certs";
  std::string webhook_configuration, service_name;
  CertificateTimes times = {};
  std::string kubeconfig;
  std::vector<std::string> nodes;
  std::string manifests;
  bool allow_unknown = false;
  bool access_log = false;
  std::vector<std::string> source_allow;
  std::string source_ca, node_token_file, node_ca;
  std::vector<std::string> node_allow;
  std::chrono::milliseconds shutdown_delay{10'000};
};

// `options` must outlive the returned flags.
Flags MakeFlags(Options& options);
// Whether a certificate is to be had, from files or our own.
bool HasTls(const Options& options);
// What the flags must mean together; errors name the flag.
Result<void> CheckOptions(const Options& options);

}  // namespace headroom::webhook

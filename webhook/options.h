// Command line of headroom-webhook.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "common/flags.h"
#include "net/listen_options.h"

namespace headroom::webhook {

struct Options : net::ListenOptions {
  Options() { listen = "127.0.0.1:9443"; }

  std::string client_ca;  // with tls_cert only
  std::string kubeconfig;
  std::vector<std::string> nodes;
  std::string manifests;
  bool allow_unknown = false;
  std::vector<std::string> source_allow;
  std::string source_ca, node_token_file;
  std::chrono::milliseconds shutdown_delay{10'000};
};

// `options` must outlive the returned flags.
Flags MakeFlags(Options& options);
// What the flags must mean together; errors name the flag.
Result<void> CheckOptions(const Options& options);

}  // namespace headroom::webhook

// Where the API server is and who we are there: a kubeconfig file or the in-cluster service
// account. Token and certificate files are read again at each use, so rotation needs no restart.
#pragma once

#include <stdlib.h>

#include <functional>
#include <string>
#include <string_view>

#include "common/result.h"
#include "net/http.h"
#include "net/tls.h"

namespace headroom::kube {

struct Config {
  net::Url server;                                // https://host:port (path prefix kept in target)
  std::string ca_file, ca_pem;                    // one of them; both empty = system trust
  std::string client_cert_file, client_cert_pem;  // with key; both empty = none
  std::string client_key_file, client_key_pem;
  std::string token_file, token;
  std::string tls_server_name;
  std::string default_namespace = "default";
};

// The current-context of kubeconfig text; `path` is what errors name and what relative file names
// are relative to.
Result<Config> ParseKubeconfig(std::string_view text, const std::string& path);

// current-context of a kubeconfig. Errors name file, entry and the expected form. exec and
// auth-provider users are refused with the way out (token or client certificate).
Result<Config> LoadKubeconfig(const std::string& path);
// /var/run/secrets/kubernetes.io/serviceaccount and KUBERNETES_SERVICE_HOST/_PORT.
// `directory` and `getenv` are injected for tests.
Result<Config> InClusterConfig(
    const std::string& directory = "/var/run/secrets/kubernetes.io/serviceaccount",
    const std::function<const char*(const char*)>& getenv = ::getenv);
// "" = in-cluster, else a kubeconfig path.
Result<Config> LoadConfig(const std::string& kubeconfig);

}  // namespace headroom::kube

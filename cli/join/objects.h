// What one Mac needs of a cluster: an identity that may touch its own Node and Lease and the models
// it serves, and nothing of another Mac. Pure.
#pragma once

#include <string>
#include <vector>

#include "common/json.h"
#include "common/result.h"

namespace headroom::cli {

enum class Credential { kCertificate, kToken };

struct JoinIdentity {
  std::string node = {};  // name of the Mac's Node, a DNS label
  Credential credential = Credential::kCertificate;
  std::string ns = "headroom-system";  // of the service account, for kToken
  std::string User() const;            // "headroom:mac-1": common name of the certificate
  std::string ServiceAccount() const;  // "headroom-mac-mac-1", as the chart's policies know it
};

// Errors for a name that is no Node name: it becomes part of other names.
Result<void> CheckNodeName(const std::string& name);

// ClusterRoles, Role and bindings, and for kToken the ServiceAccount, in the order to apply them.
std::vector<Json> JoinObjects(const JoinIdentity& identity);

Json SigningRequest(const std::string& name, const std::string& request_pem,
                    int64_t expiration_seconds);
// The same with the condition that approves it.
Json Approved(Json signing_request);

// kubeconfig for the Mac. Credentials stay in files beside it, read again at each use, so that a
// renewal needs no restart; one file holds key and certificate, so that they change together.
struct KubeconfigParts {
  std::string server, tls_server_name;
  Credential credential = Credential::kCertificate;
};
inline constexpr char kClientFile[] = "client.pem", kTokenFile[] = "token", kCaFile[] = "ca.crt";
std::string MakeKubeconfig(const JoinIdentity& identity, const KubeconfigParts& parts);

}  // namespace headroom::cli

// Credentials for a Mac from a cluster: a client certificate the cluster signs, or a bound token of
// a service account. Blocking; needs an administrator's rights.
#pragma once

#include <chrono>
#include <string>

#include "cli/cluster.h"
#include "cli/join/objects.h"

namespace headroom::cli {

// Key and certificate in one PEM text. The key never leaves this machine.
Result<std::string> SignedCertificate(Cluster& cluster, const JoinIdentity& identity,
                                      std::chrono::seconds lifetime);
// The API server may give less than `lifetime`.
Result<std::string> BoundToken(Cluster& cluster, const JoinIdentity& identity,
                               std::chrono::seconds lifetime);

}  // namespace headroom::cli

// Where the node token may go: only to addresses that a node's own status lists, or that lie in a
// prefix the operator allows. An annotation alone (`headroom.dev/metrics-address`) is no proof: who
// may write it need not be the node. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "net/http.h"
#include "sources/address_policy.h"

namespace headroom::sources {

// An exporter, as its Node object tells of it.
struct NodeEndpoint {
  std::string metrics_address;         // HOST:PORT (plain HTTP) or an http(s) URL
  std::vector<std::string> addresses;  // the Node's status.addresses
};

class NodeAddressPolicy {
 public:
  // `prefixes`: ADDRESS or ADDRESS/PREFIX, as in 10.1.0.0/16. They admit addresses that a node's
  // status does not list, and loopback and link-local ones, which are refused otherwise.
  // `require_tls`: plain HTTP would show the token to the network. Errors name the entry.
  static Result<NodeAddressPolicy> Parse(const std::vector<std::string>& prefixes,
                                         bool require_tls);

  // The base URL of the exporter; kUnauthorized with the reason when it may not be asked.
  Result<net::Url> Check(const NodeEndpoint& endpoint) const;
  // For every address a name resolves to, before any is dialled.
  Result<void> CheckAddress(std::string_view host, std::string_view address) const;

 private:
  bool InPrefix(const AddressBytes& address) const;

  std::vector<AddressRange> prefixes_;
  bool require_tls_ = false;
};

}  // namespace headroom::sources

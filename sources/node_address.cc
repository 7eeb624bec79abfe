#include "sources/node_address.h"

#include <algorithm>

namespace headroom::sources {
namespace {

Error Refused(const std::string& why) {
  return Error(Code::kUnauthorized, "its metrics-address " + why);
}

// The same address in whatever way it is written, or the same name.
bool SameHost(std::string_view a, std::string_view b) {
  const auto bytes_a = ParseAddress(a), bytes_b = ParseAddress(b);
  if (bytes_a || bytes_b) return bytes_a == bytes_b;
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           const auto lower = [](char c) {
             return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
           };
           return lower(x) == lower(y);
         });
}

}  // namespace

Result<NodeAddressPolicy> NodeAddressPolicy::Parse(const std::vector<std::string>& prefixes,
                                                   bool require_tls) {
  NodeAddressPolicy policy;
  policy.require_tls_ = require_tls;
  for (const std::string& text : prefixes) {
    const auto range = ParseAddressRange(text);
    if (!range) {
      return Error(Code::kInvalid,
                   "'" + text + "': expected ADDRESS or ADDRESS/PREFIX, as in 10.1.0.0/16");
    }
    policy.prefixes_.push_back(*range);
  }
  return policy;
}

bool NodeAddressPolicy::InPrefix(const AddressBytes& address) const {
  return std::any_of(prefixes_.begin(), prefixes_.end(),
                     [&](const AddressRange& range) { return range.Contains(address); });
}

Result<net::Url> NodeAddressPolicy::Check(const NodeEndpoint& endpoint) const {
  const std::string& text = endpoint.metrics_address;
  const bool bare = text.find("://") == std::string::npos;
  auto url = net::ParseUrl(bare ? "http://" + text : text);
  if (!url) return Error(Code::kInvalid, "its metrics-address is no HOST:PORT or URL");
  if (require_tls_ && !url->tls()) {
    return Refused("is no https:// URL, and with --node-ca the node token is sent over TLS only");
  }
  const auto address = ParseAddress(url->host);
  if (address && InPrefix(*address)) return url;
  const auto& own = endpoint.addresses;
  const bool listed = std::any_of(own.begin(), own.end(),
                                  [&](const std::string& one) { return SameHost(url->host, one); });
  if (!listed) {
    return Refused("is none of the node's own status.addresses (or --node-allow=ADDRESS/PREFIX)");
  }
  if (address && !IsHostAddress(*address)) {
    return Refused("is loopback, link-local or no address of a host (--node-allow admits it)");
  }
  return url;
}

Result<void> NodeAddressPolicy::CheckAddress(std::string_view, std::string_view address) const {
  const auto bytes = ParseAddress(address);
  if (bytes && (IsHostAddress(*bytes) || InPrefix(*bytes))) return {};
  return Refused("leads to loopback, link-local or no address of a host");
}

}  // namespace headroom::sources

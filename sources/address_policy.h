// SSRF guard: which hosts and which resolved addresses a header may be read from. Pure; the HTTP
// client asks it for every address before any is dialled, and redirects come back to it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "net/http.h"

namespace headroom::sources {

// Public unicast only: refuses loopback, link-local, private, ULA, CGNAT, benchmarking, multicast,
// documentation, NAT64 and 6to4 ranges, and IPv4 hidden in IPv6 (mapped, compatible, NAT64).
bool IsPublicAddress(std::string_view address);

// A textual address as 16 bytes, IPv4 as ::ffff:a.b.c.d. Strict: four decimal octets without
// leading zeros, or RFC 4291 text; no zone, no brackets, none of inet_aton's octal, hex or short
// forms.
using AddressBytes = std::array<unsigned char, 16>;
std::optional<AddressBytes> ParseAddress(std::string_view text);

// Some host's own unicast address, private ones included: not unspecified, loopback, link-local,
// multicast or reserved, and no IPv4 address hidden in IPv6 other than a mapped one.
bool IsHostAddress(const AddressBytes& address);

// A prefix of addresses; IPv4 as v4-mapped, with 96 added to its length.
struct AddressRange {
  AddressBytes bytes = {};
  int prefix = 128;
  bool Contains(const AddressBytes& address) const;
};
// "10.1.0.0/16", "2001:db8::/32", or one address; nullopt for anything else.
std::optional<AddressRange> ParseAddressRange(std::string_view text);

class AddressPolicy {
 public:
  // Entries: "huggingface.co", "*.hf.co", "host:port", "10.1.0.5:8443", "[2001:db8::1]:443",
  // "10.1.0.0/16". An address or CIDR entry admits addresses inside it that would be refused
  // otherwise, and URLs that name such an address (on port 443, or the entry's own). Errors name
  // the entry.
  static Result<AddressPolicy> Parse(const std::vector<std::string>& entries);
  static std::vector<std::string> DefaultEntries();  // the Hub and its CDN names

  // Scheme https, host (and port, 443 unless the entry names one) on the list, no address literal
  // unless a CIDR admits it.
  Result<void> CheckUrl(const net::Url& url) const;
  // The text names the host only: what a name resolves to inside is nobody's business outside.
  Result<void> CheckAddress(std::string_view host, std::string_view address) const;

 private:
  struct HostRule {
    std::string host;  // lower case; leading "*." matches any label below
    uint16_t port = 443;
  };
  Result<void> AddCidr(std::string_view entry);
  Result<void> AddHost(std::string_view entry);
  bool HostListed(std::string_view host, uint16_t port) const;
  bool InCidr(const AddressBytes& address) const;

  std::vector<HostRule> hosts_;
  std::vector<AddressRange> cidrs_;
};

}  // namespace headroom::sources

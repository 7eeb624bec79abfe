#include "sources/address_policy.h"

#include <algorithm>
#include <charconv>

#include "common/ascii.h"
#include "net/host.h"

namespace headroom::sources {
namespace {

Error BadEntry(std::string_view entry, std::string_view expected) {
  return Error(Code::kInvalid, "source allow-list: '" + std::string(entry) + "': expected " +
                                   std::string(expected));
}

std::optional<unsigned> ParseNumber(std::string_view text, unsigned max) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > max) return std::nullopt;
  return value;
}

bool IsHostName(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  return std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
}

struct HostPort {
  std::string host;
  uint16_t port = 443;
};

std::optional<HostPort> SplitHostPort(std::string_view entry) {
  HostPort out;
  std::string_view port;
  if (entry.starts_with('[')) {
    const size_t close = entry.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    out.host = entry.substr(1, close - 1);
    entry.remove_prefix(close + 1);
    if (!entry.empty() && entry[0] != ':') return std::nullopt;
    port = entry.empty() ? "443" : entry.substr(1);
  } else if (std::count(entry.begin(), entry.end(), ':') > 1) {
    out.host = entry;  // a bare IPv6 address
    port = "443";
  } else {
    const size_t colon = std::min(entry.find(':'), entry.size());
    out.host = entry.substr(0, colon);
    port = colon == entry.size() ? "443" : entry.substr(colon + 1);
  }
  const auto number = ParseNumber(port, 65535);
  if (!number || *number == 0) return std::nullopt;
  out.port = static_cast<uint16_t>(*number);
  return out;
}

}  // namespace

std::vector<std::string> AddressPolicy::DefaultEntries() {
  return {"huggingface.co", "*.huggingface.co", "*.hf.co"};
}

Result<AddressPolicy> AddressPolicy::Parse(const std::vector<std::string>& entries) {
  AddressPolicy policy;
  for (const std::string& entry : entries) {
    const bool cidr = entry.find('/') != std::string::npos;
    auto added = cidr ? policy.AddCidr(entry) : policy.AddHost(entry);
    if (!added) return added.error();
  }
  return policy;
}

Result<void> AddressPolicy::AddCidr(std::string_view entry) {
  const auto range = ParseAddressRange(entry);
  if (!range) return BadEntry(entry, "ADDRESS/PREFIX, as in 10.1.0.0/16");
  cidrs_.push_back(*range);
  return {};
}

Result<void> AddressPolicy::AddHost(std::string_view entry) {
  auto parts = SplitHostPort(entry);
  if (!parts) return BadEntry(entry, "HOST, *.DOMAIN, HOST:PORT or ADDRESS/PREFIX");
  parts->host = AsciiLower(parts->host);
  if (const auto bytes = ParseAddress(parts->host)) {
    cidrs_.push_back({*bytes, 128});
  } else {
    std::string_view name = parts->host;
    if (name.starts_with("*.")) name.remove_prefix(2);
    if (!IsHostName(name) || net::LooksNumeric(name)) {
      return BadEntry(entry, "a host name, an address in its full form, or ADDRESS/PREFIX");
    }
  }
  hosts_.push_back({std::move(parts->host), parts->port});
  return {};
}

bool AddressPolicy::HostListed(std::string_view host, uint16_t port) const {
  return std::any_of(hosts_.begin(), hosts_.end(), [&](const HostRule& rule) {
    if (rule.port != port) return false;
    if (!rule.host.starts_with("*.")) return rule.host == host;
    const std::string_view suffix = std::string_view(rule.host).substr(1);
    return host.size() > suffix.size() && host.ends_with(suffix);
  });
}

bool AddressPolicy::InCidr(const AddressBytes& address) const {
  return std::any_of(cidrs_.begin(), cidrs_.end(),
                     [&](const AddressRange& range) { return range.Contains(address); });
}

Result<void> AddressPolicy::CheckUrl(const net::Url& url) const {
  if (url.scheme != "https") {
    return Error(Code::kUnauthorized, url.scheme + ":// is not read; use https://");
  }
  std::string host = AsciiLower(url.host);
  if (host.ends_with('.')) host.pop_back();  // the root label: the same name
  const bool listed = HostListed(host, url.port);
  if (const auto bytes = ParseAddress(host)) {
    if (InCidr(*bytes) && (listed || url.port == 443)) return {};
    return Error(Code::kUnauthorized,
                 "an address instead of a host name is not on the allow-list "
                 "(--source-allow=ADDRESS/PREFIX)");
  }
  if (!listed || net::LooksNumeric(host)) {
    const std::string port = url.port == 443 ? "" : ":" + std::to_string(url.port);
    return Error(
        Code::kUnauthorized,
        "host '" + host + port + "' is not on the allow-list (--source-allow=HOST[:PORT])");
  }
  return {};
}

Result<void> AddressPolicy::CheckAddress(std::string_view host, std::string_view address) const {
  const auto bytes = ParseAddress(address);
  if (bytes && (IsPublicAddress(address) || InCidr(*bytes))) return {};
  return Error(Code::kUnauthorized,
               "host '" + std::string(host) +
                   "' resolves to an address that is not public and not on the allow-list "
                   "(--source-allow=ADDRESS/PREFIX)");
}

}  // namespace headroom::sources

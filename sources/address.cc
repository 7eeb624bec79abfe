// The ranges of IANA's special-purpose registries; the rest of the guard is in address_policy.cc.
#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "sources/address_policy.h"

namespace headroom::sources {
namespace {

struct RangeV4 {
  uint32_t network;
  int prefix;
};

constexpr uint32_t V4(unsigned a, unsigned b, unsigned c, unsigned d) {
  return a << 24 | b << 16 | c << 8 | d;
}

constexpr RangeV4 kRefusedV4[] = {
    {V4(0, 0, 0, 0), 8},        // "this" network, unspecified
    {V4(10, 0, 0, 0), 8},       // private
    {V4(100, 64, 0, 0), 10},    // carrier-grade NAT, Tailscale
    {V4(127, 0, 0, 0), 8},      // loopback
    {V4(169, 254, 0, 0), 16},   // link-local: cloud metadata
    {V4(172, 16, 0, 0), 12},    // private
    {V4(192, 0, 0, 0), 24},     // IETF protocol assignments
    {V4(192, 0, 2, 0), 24},     // documentation
    {V4(192, 88, 99, 0), 24},   // 6to4 relays
    {V4(192, 168, 0, 0), 16},   // private
    {V4(198, 18, 0, 0), 15},    // benchmarking
    {V4(198, 51, 100, 0), 24},  // documentation
    {V4(203, 0, 113, 0), 24},   // documentation
    {V4(224, 0, 0, 0), 4},      // multicast
    {V4(240, 0, 0, 0), 4},      // reserved, broadcast
};

// What is no host's own address, private or public.
constexpr RangeV4 kNoHostV4[] = {
    {V4(0, 0, 0, 0), 8},       // "this" network, unspecified
    {V4(127, 0, 0, 0), 8},     // loopback
    {V4(169, 254, 0, 0), 16},  // link-local: cloud metadata
    {V4(224, 0, 0, 0), 4},     // multicast
    {V4(240, 0, 0, 0), 4},     // reserved, broadcast
};

struct RangeV6 {
  unsigned char network[6];
  int prefix;
};

// Outside 2000::/3 nothing is global unicast, so only the exceptions inside it are listed.
constexpr RangeV6 kRefusedV6[] = {
    {{0x20, 0x01, 0x00, 0x00, 0, 0}, 23},  // Teredo, ORCHID, benchmarking
    {{0x20, 0x01, 0x0d, 0xb8, 0, 0}, 32},  // documentation
    {{0x20, 0x02, 0x00, 0x00, 0, 0}, 16},  // 6to4: an IPv4 address inside
    {{0x3f, 0xff, 0x00, 0x00, 0, 0}, 20},  // documentation
};

bool SamePrefix(const unsigned char* a, const unsigned char* b, int prefix) {
  const int bytes = prefix / 8, bits = prefix % 8;
  if (std::memcmp(a, b, bytes) != 0) return false;
  return bits == 0 || (a[bytes] ^ b[bytes]) >> (8 - bits) == 0;
}

std::optional<uint32_t> ParseV4(std::string_view text) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (digits == 0 || digits > 3 || (digits > 1 && text[0] == '0')) return std::nullopt;
    unsigned octet = 0;
    for (size_t d = 0; d < digits; ++d) octet = octet * 10 + static_cast<unsigned>(text[d] - '0');
    if (octet > 255) return std::nullopt;
    value = value << 8 | octet;
    text.remove_prefix(digits);
    if (i == 3) break;
    if (text.empty() || text[0] != '.') return std::nullopt;
    text.remove_prefix(1);
  }
  return text.empty() ? std::optional(value) : std::nullopt;
}

bool IsPublicV4(uint32_t address) {
  return std::none_of(std::begin(kRefusedV4), std::end(kRefusedV4), [address](const RangeV4& r) {
    return ((address ^ r.network) >> (32 - r.prefix)) == 0;
  });
}

bool IsPublicV6(const AddressBytes& address) {
  if (address[0] >> 5 != 1) return false;  // 2000::/3
  return std::none_of(std::begin(kRefusedV6), std::end(kRefusedV6), [&](const RangeV6& range) {
    return SamePrefix(address.data(), range.network, range.prefix);
  });
}

}  // namespace

std::optional<AddressBytes> ParseAddress(std::string_view text) {
  AddressBytes bytes{};
  if (const auto v4 = ParseV4(text)) {
    bytes[10] = bytes[11] = 0xff;
    for (int i = 0; i < 4; ++i) bytes[12 + i] = static_cast<unsigned char>(*v4 >> (24 - 8 * i));
    return bytes;
  }
  if (text.size() >= INET6_ADDRSTRLEN || text.find(':') == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string terminated(text);
  if (terminated.find('\0') != std::string::npos) return std::nullopt;
  if (inet_pton(AF_INET6, terminated.c_str(), bytes.data()) != 1) return std::nullopt;
  return bytes;
}

bool IsHostAddress(const AddressBytes& address) {
  const auto mapped = ParseAddressRange("::ffff:0:0/96");
  if (mapped->Contains(address)) {
    const uint32_t v4 = static_cast<uint32_t>(address[12]) << 24 | address[13] << 16 |
                        address[14] << 8 | address[15];
    return std::none_of(std::begin(kNoHostV4), std::end(kNoHostV4), [v4](const RangeV4& range) {
      return ((v4 ^ range.network) >> (32 - range.prefix)) == 0;
    });
  }
  const bool unique_local = (address[0] & 0xfe) == 0xfc;
  return unique_local || IsPublicV6(address);
}

bool AddressRange::Contains(const AddressBytes& address) const {
  return SamePrefix(address.data(), bytes.data(), prefix);
}

std::optional<AddressRange> ParseAddressRange(std::string_view text) {
  const std::string_view address = text.substr(0, text.find('/'));
  const auto bytes = ParseAddress(address);
  if (!bytes) return std::nullopt;
  if (address.size() == text.size()) return AddressRange{*bytes, 128};
  const int width = address.find(':') == std::string_view::npos ? 32 : 128;
  const std::string_view digits = text.substr(address.size() + 1);
  int prefix = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  if (prefix < 0 || prefix > width) return std::nullopt;
  return AddressRange{*bytes, prefix + 128 - width};
}

bool IsPublicAddress(std::string_view address) {
  if (const auto v4 = ParseV4(address)) return IsPublicV4(*v4);
  const auto bytes = ParseAddress(address);
  return bytes && IsPublicV6(*bytes);
}

}  // namespace headroom::sources

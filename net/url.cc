// Targets, URLs and endpoints: strict, because what one parser lets through another reads
// differently, and hosts decide where we connect.
#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "common/ascii.h"
#include "net/host.h"
#include "net/http.h"

namespace headroom::net {

namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsUnreserved(char c) {
  return IsAlpha(c) || IsDigit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

int HexValue(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Text for an error: cut, and without what would break a log line or a terminal.
std::string Quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text.substr(0, 200)) out += (c >= 0x20 && c < 0x7f) ? c : '?';
  return out + (text.size() > 200 ? "...'" : "'");
}

Error Bad(std::string_view subject, std::string_view text, std::string_view why) {
  return Error(Code::kInvalid, std::string(subject) + " " + Quoted(text) + ": " + std::string(why));
}

Result<std::string> PercentDecode(std::string_view text, bool plus_is_blank) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? HexValue(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexValue(text[i + 2]) : -1;
      if (high < 0 || low < 0) return Bad("target", text, "expected two hex digits behind '%'");
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_blank) {
      c = ' ';
    }
    if (c == '\0') return Bad("target", text, "holds a NUL");
    out += c;
  }
  return out;
}

Result<uint16_t> ParsePort(std::string_view text, bool zero_allowed) {
  unsigned value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = ec == std::errc() && end == text.data() + text.size();
  if (text.empty() || !IsDigit(text[0]) || !whole || value > 65535 ||
      (value == 0 && !zero_allowed)) {
    return Error(Code::kInvalid, "expected a port from " + std::string(zero_allowed ? "0" : "1") +
                                     " to 65535, found " + Quoted(text));
  }
  return static_cast<uint16_t>(value);
}

bool IsIpv4(const std::string& host) {
  in_addr address;
  return inet_pton(AF_INET, host.c_str(), &address) == 1;
}

bool IsIpv6(const std::string& host) {
  in6_addr address;
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

Result<void> CheckName(const std::string& host) {
  if (host.empty() || host.size() > 253) {
    return Error(Code::kInvalid, "expected a host name of 1 to 253 characters");
  }
  const auto allowed = [](char c) {
    return IsAlpha(c) || IsDigit(c) || c == '-' || c == '.' || c == '_';
  };
  if (!std::all_of(host.begin(), host.end(), allowed)) {
    return Error(Code::kInvalid, "host " + Quoted(host) + " has characters that no name has");
  }
  if (host.front() == '.' || host.back() == '.' || host.find("..") != std::string::npos) {
    return Error(Code::kInvalid, "host " + Quoted(host) + " has an empty label");
  }
  if (LooksNumeric(host) && !IsIpv4(host)) {
    return Error(Code::kInvalid, "host " + Quoted(host) + " is no dotted decimal IPv4 address");
  }
  return {};
}

// HOST[:PORT] with brackets around IPv6; the port is "" when there is none.
struct Authority {
  std::string host;
  std::optional<std::string_view> port;
};

Result<Authority> SplitAuthority(std::string_view text) {
  Authority out;
  std::string_view rest;
  if (!text.empty() && text.front() == '[') {
    const size_t close = text.find(']');
    if (close == std::string_view::npos) return Error(Code::kInvalid, "']' is missing");
    out.host = AsciiLower(text.substr(1, close - 1));
    rest = text.substr(close + 1);
    if (!IsIpv6(out.host)) return Error(Code::kInvalid, "no IPv6 address between the brackets");
    if (!rest.empty() && rest.front() != ':')
      return Error(Code::kInvalid, "expected ':' behind ']'");
  } else {
    const size_t colon = text.find(':');
    out.host = AsciiLower(text.substr(0, colon));
    if (colon != std::string_view::npos) rest = text.substr(colon);
  }
  if (!rest.empty()) out.port = rest.substr(1);
  return out;
}

std::string Bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

}  // namespace

std::string Target::Get(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return "";
}

Result<Target> ParseTarget(std::string_view target) {
  if (target.empty() || target.front() != '/')
    return Bad("target", target, "expected '/' in front");
  const size_t mark = target.find('?');
  auto path = PercentDecode(target.substr(0, mark), false);
  if (!path) return path.error();
  Target out;
  out.path = std::move(*path);
  std::string_view rest = mark == std::string_view::npos ? "" : target.substr(mark + 1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    auto name = PercentDecode(pair.substr(0, equals), true);
    if (!name) return name.error();
    auto value =
        PercentDecode(equals == std::string_view::npos ? "" : pair.substr(equals + 1), true);
    if (!value) return value.error();
    out.query.emplace_back(std::move(*name), std::move(*value));
  }
  return out;
}

std::string PercentEncode(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (IsUnreserved(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

std::string Url::HostHeader() const {
  const uint16_t standard = tls() ? 443 : 80;
  return port == standard ? Bracketed(host) : Bracketed(host) + ":" + std::to_string(port);
}

std::string Url::ToString() const { return scheme + "://" + HostHeader() + target; }

Result<Url> ParseUrl(std::string_view text) {
  for (const char c : text) {
    if (c <= 0x20 || c >= 0x7f || c == '\\' || c == '"' || c == '<' || c == '>') {
      return Bad("URL", text, "holds a character that must be percent-encoded");
    }
  }
  const size_t colon = text.find("://");
  Url url;
  url.scheme = AsciiLower(text.substr(0, colon));
  if (colon == std::string_view::npos || (url.scheme != "http" && url.scheme != "https")) {
    return Bad("URL", text, "expected http://HOST... or https://HOST...");
  }
  if (text.find('#') != std::string_view::npos)
    return Bad("URL", text, "a fragment is not allowed");
  text.remove_prefix(colon + 3);
  const size_t end = std::min(text.find_first_of("/?"), text.size());
  const std::string_view authority = text.substr(0, end);
  if (authority.find('@') != std::string_view::npos) {
    // Not quoted: it may hold a password.
    return Error(Code::kInvalid, "URL: user and password are not allowed in front of the host");
  }
  auto split = SplitAuthority(authority);
  if (!split) return Bad("URL", text, split.error().message());
  url.host = std::move(split->host);
  if (authority.empty() || authority.front() != '[') {
    if (auto ok = CheckName(url.host); !ok) return Bad("URL", text, ok.error().message());
  }
  url.port = url.tls() ? 443 : 80;
  if (split->port) {
    auto port = ParsePort(*split->port, false);
    if (!port) return Bad("URL", text, port.error().message());
    url.port = *port;
  }
  url.target = text.substr(end);
  if (url.target.empty() || url.target.front() != '/') url.target.insert(0, "/");
  return url;
}

Result<Url> ResolveReference(const Url& base, std::string_view location) {
  const std::string_view without_fragment = location.substr(0, location.find('#'));
  if (without_fragment.substr(0, 2) == "//") {
    return ParseUrl(base.scheme + ":" + std::string(without_fragment));
  }
  if (!without_fragment.empty() && without_fragment.front() == '/') {
    Url root = base;
    root.target.clear();
    return ParseUrl(root.ToString() + std::string(without_fragment));
  }
  return ParseUrl(without_fragment);
}

Result<Endpoint> ParseEndpoint(std::string_view text) {
  auto split = SplitAuthority(text);
  if (!split) return Bad("endpoint", text, split.error().message());
  if (!split->port) return Bad("endpoint", text, "expected HOST:PORT, :PORT or [IPv6]:PORT");
  auto port = ParsePort(*split->port, true);
  if (!port) return Bad("endpoint", text, port.error().message());
  if (!split->host.empty() && text.front() != '[') {
    if (auto ok = CheckName(split->host); !ok) return Bad("endpoint", text, ok.error().message());
  }
  return Endpoint{std::move(split->host), *port};
}

}  // namespace headroom::net

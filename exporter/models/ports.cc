#include "exporter/models/ports.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>

namespace headroom::exporter {
namespace {

bool ParsePort(std::string_view text, uint16_t& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port != 0;
}

bool IsFree(uint16_t port, const std::string& host) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  // A host name or an IPv6 address: the wildcard address sees every listener there is.
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1)
    address.sin_addr.s_addr = INADDR_ANY;
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) return false;
  const int on = 1;  // connections of the last owner in TIME_WAIT do not count
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const bool free = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return free;
}

}  // namespace

Result<PortRange> ParsePortRange(std::string_view text) {
  const size_t dash = text.find('-');
  const std::string_view first = text.substr(0, dash);
  const std::string_view last = dash == std::string_view::npos ? first : text.substr(dash + 1);
  PortRange range;
  if (!ParsePort(first, range.first) || !ParsePort(last, range.last) || range.last < range.first) {
    return Error(Code::kInvalid, "expected FIRST-LAST within 1-65535, as in 19900-19999, got '" +
                                     std::string(text) + "'");
  }
  return range;
}

std::string DialHost(const std::string& listen) {
  if (listen == "0.0.0.0") return "127.0.0.1";
  return listen == "::" ? "::1" : listen;
}

Result<uint16_t> PickPort(const PortRange& range, const std::set<uint16_t>& taken,
                          const std::string& host) {
  for (uint32_t port = range.first; port <= range.last; ++port) {
    const auto candidate = static_cast<uint16_t>(port);
    if (!taken.count(candidate) && IsFree(candidate, host)) return candidate;
  }
  if (range.first == range.last) {
    return Error(Code::kUnavailable, "port " + std::to_string(range.first) + " is in use");
  }
  return Error(Code::kUnavailable, "no free port in " + std::to_string(range.first) + "-" +
                                       std::to_string(range.last) + " (--model-ports)");
}

}  // namespace headroom::exporter

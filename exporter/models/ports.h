// Which port the next llama-server gets: the one asked for, else the first free one of a range. The
// answer can be outdated before the child binds; a child that finds its port taken exits at once
// and the supervisor tries again.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "common/result.h"

namespace headroom::exporter {

struct PortRange {
  uint16_t first = 0, last = 0;
};
Result<PortRange> ParsePortRange(std::string_view text);  // "19900-19999", "8080"

// Where a server is asked from this host that listens on `listen` (a wildcard is no destination).
std::string DialHost(const std::string& listen);

// `taken` are ports of our other children. Errors say which range is used up.
Result<uint16_t> PickPort(const PortRange& range, const std::set<uint16_t>& taken,
                          const std::string& host);

}  // namespace headroom::exporter

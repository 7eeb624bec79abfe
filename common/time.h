// Clocks and RFC 3339. Decisions take `now` as an argument; only shells read a clock.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "common/result.h"

namespace headroom {

using SteadyTime = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::system_clock::time_point;

std::string FormatRfc3339(WallTime time);       // 2026-01-02T03:04:05Z
std::string FormatRfc3339Micro(WallTime time);  // 2026-01-02T03:04:05.000000Z (Lease renewTime)
Result<WallTime> ParseRfc3339(std::string_view text);

}  // namespace headroom

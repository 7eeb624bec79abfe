// The text of /proc as memory figures. Pure: the provider reads the files, tests bring recorded
// ones.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/result.h"
#include "exporter/memory/sample.h"

namespace headroom::exporter {

struct LinuxMemoryText {
  std::string_view meminfo;
  std::string_view vmstat;    // "" = not readable: no event counters
  std::string_view pressure;  // /proc/pressure/memory; "" = kernel without PSI
  uint64_t page_size = 4096;
};

// Errors name the field that is missing or malformed. taken_at is left to the caller.
Result<MemorySample> DecodeLinuxMemory(const LinuxMemoryText& text);

// `rollup` is "" when smaps_rollup may not be read: no footprint then.
Result<ProcessMemory> DecodeLinuxProcess(std::string_view status, std::string_view rollup);

// First value of "name<blanks>: value" lines, as /proc/cpuinfo has, or of NAME="value" lines as
// os-release has; "" when absent.
std::string FirstValue(std::string_view text, std::string_view name, char separator);

}  // namespace headroom::exporter

// What one reading of a machine's memory says, in the same words on every platform. Plain values:
// a provider fills them, everything else only reads them. Sizes are bytes, events are cumulative
// counts of pages since boot; what a platform does not have is nullopt, never zero.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/time.h"

namespace headroom::exporter {

enum class Pressure { kNormal, kWarning, kCritical, kUnknown };

std::string_view ToString(Pressure level);  // normal, warning, critical, unknown

// GPU facts. The limits belong to the Metal device, the rest to the whole machine.
struct GpuSample {
  std::string device;                         // "Apple M3 Max"; "" = none seen
  std::optional<uint64_t> working_set_limit;  // recommendedMaxWorkingSetSize
  std::optional<uint64_t> max_buffer;
  std::optional<uint64_t> in_use_memory;         // all processes, by the driver's count
  std::optional<uint64_t> allocated_memory;      // all processes; address space rather than pages
  std::optional<uint64_t> recoveries;            // driver restarts since boot
  std::optional<uint64_t> wired_limit_override;  // 0 = the system's default policy
  std::optional<uint64_t> wired_low_water_mark;
  std::optional<bool> dynamic_low_water_mark;
  std::optional<bool> wired_collector_disabled;
  std::optional<WallTime> probed_at;

  friend bool operator==(const GpuSample&, const GpuSample&) = default;
};

// Share of time (0..1, last ten seconds) in which some or all tasks waited for memory.
struct MemoryStall {
  double some = 0;
  double full = 0;

  friend bool operator==(const MemoryStall&, const MemoryStall&) = default;
};

struct MemorySample {
  WallTime taken_at{};
  uint64_t page_size = 0;
  uint64_t total = 0;      // physical memory
  uint64_t available = 0;  // for new allocations, comparable with psutil; thresholds belong to it
  uint64_t free = 0;       // holds nothing at all (without speculative pages)

  std::optional<uint64_t> usable;            // what the kernel itself divides by
  std::optional<uint64_t> reclaimable;       // obtainable without compressing or swapping
  std::optional<uint64_t> available_kernel;  // the kernel's own generous figure
  std::optional<uint64_t> speculative;
  std::optional<uint64_t> active;
  std::optional<uint64_t> inactive;
  std::optional<uint64_t> wired;  // cannot be paged out: kernel, locked, GPU-resident
  std::optional<uint64_t> anonymous;
  std::optional<uint64_t> file_backed;
  std::optional<uint64_t> purgeable;
  std::optional<uint64_t> compressor;               // physical bytes the compressor holds
  std::optional<uint64_t> compressor_uncompressed;  // what they were before
  std::optional<uint64_t> swap_used;
  std::optional<uint64_t> swap_allocated;
  std::optional<uint64_t> user_wire_limit;  // for mlock, not for the GPU

  std::optional<uint64_t> pageins;  // pager events, files and swap
  std::optional<uint64_t> pageouts;
  std::optional<uint64_t> swapins;
  std::optional<uint64_t> swapouts;
  std::optional<uint64_t> compressions;
  std::optional<uint64_t> decompressions;

  std::optional<Pressure> kernel_pressure;  // nullopt where the kernel publishes no level
  std::optional<int64_t> kernel_pressure_raw;
  std::optional<double> kernel_free_ratio;
  std::optional<MemoryStall> stall;

  GpuSample gpu;
};

// One process. `footprint` is what the system charges it for: phys_footprint on macOS, proportional
// set size plus its swap on Linux; nullopt where we may not look.
struct ProcessMemory {
  uint64_t resident = 0;
  std::optional<uint64_t> footprint{};
  std::optional<uint64_t> footprint_peak{};  // Linux: peak of resident
  std::optional<uint64_t> wired{};
};

struct HostInfo {
  std::string system;      // Darwin, Linux
  std::string model;       // Mac15,9
  std::string chip;        // Apple M3 Max
  std::string os_version;  // 15.4
  uint64_t page_size = 0;
};

}  // namespace headroom::exporter

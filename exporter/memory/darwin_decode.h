// What the macOS kernel hands out, mirrored field by field, and what it means. Pure and portable:
// the Darwin provider only copies bytes into these structs, so every rule is tested on any system.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "common/result.h"
#include "exporter/memory/sample.h"

namespace headroom::exporter {

// vm_statistics64 (HOST_VM_INFO64), in pages. Newer kernels append fields we do not read.
struct VmStatistics64 {
  uint32_t free_count, active_count, inactive_count, wire_count;  // free contains speculative
  uint64_t zero_fill_count, reactivations, pageins, pageouts, faults, cow_faults, lookups, hits,
      purges;
  uint32_t purgeable_count, speculative_count;
  // Everything below came with revision 1.
  uint64_t decompressions, compressions, swapins, swapouts;
  uint32_t compressor_page_count, throttled_count, external_page_count, internal_page_count;
  uint64_t total_uncompressed_pages_in_compressor;
};
static_assert(sizeof(VmStatistics64) == 152);
static_assert(offsetof(VmStatistics64, zero_fill_count) == 16);
static_assert(offsetof(VmStatistics64, speculative_count) == 92);
static_assert(offsetof(VmStatistics64, decompressions) == 96);
static_assert(offsetof(VmStatistics64, external_page_count) == 136);

// In 32-bit words, as host_statistics64 counts what it filled in.
constexpr uint32_t kVmWordsRev0 = 24;
constexpr uint32_t kVmWordsRev1 = 38;

// xsw_usage (vm.swapusage), bytes.
struct SwapUsage {
  uint64_t total, avail, used;
  uint32_t pagesize, encrypted;
};
static_assert(sizeof(SwapUsage) == 32);

// rusage_info_v4, bytes and ticks.
struct RusageInfoV4 {
  uint8_t uuid[16];
  uint64_t user_time, system_time, package_wakeups, interrupt_wakeups, pageins;
  uint64_t wired_size, resident_size, phys_footprint, start_abstime, exit_abstime;
  uint64_t unread[18];
  uint64_t lifetime_max_phys_footprint;
  uint64_t unread_rest[6];
};
static_assert(sizeof(RusageInfoV4) == 296);
static_assert(offsetof(RusageInfoV4, wired_size) == 56);
static_assert(offsetof(RusageInfoV4, phys_footprint) == 72);
static_assert(offsetof(RusageInfoV4, start_abstime) == 80);
static_assert(offsetof(RusageInfoV4, lifetime_max_phys_footprint) == 240);

// One reading. A sysctl that this macOS does not know is nullopt.
struct DarwinReading {
  VmStatistics64 vm{};
  uint32_t vm_words = 0;   // how much of `vm` the kernel filled in
  uint64_t page_size = 0;  // vm_kernel_page_size: 16384 on Apple silicon, also under Rosetta
  std::optional<uint64_t> memsize;            // hw.memsize
  std::optional<uint64_t> memsize_usable;     // hw.memsize_usable
  std::optional<int64_t> pressure_level;      // kern.memorystatus_vm_pressure_level: 1, 2, 4
  std::optional<int64_t> memorystatus_level;  // kern.memorystatus_level, percent
  std::optional<uint64_t> user_wire_limit;    // vm.global_user_wire_limit
  std::optional<SwapUsage> swap;              // vm.swapusage
  std::optional<int64_t> wired_limit_mb;      // iogpu.wired_limit_mb
  std::optional<int64_t> wired_limit_bytes;   // debug.iogpu.wired_limit (macOS 13)
  std::optional<int64_t> wired_lwm_mb;        // iogpu.wired_lwm_mb
  std::optional<int64_t> dynamic_lwm;         // iogpu.dynamic_lwm
  std::optional<int64_t> collector_disabled;  // iogpu.disable_wired_collector
};

// Errors name what the kernel did not say. taken_at is left to the caller.
Result<MemorySample> DecodeDarwinMemory(const DarwinReading& reading);

ProcessMemory DecodeDarwinProcess(const RusageInfoV4& usage);

// 1 normal, 2 warning, 4 critical; anything else is unknown, never critical.
Pressure DecodeKernelPressure(int64_t level);

}  // namespace headroom::exporter

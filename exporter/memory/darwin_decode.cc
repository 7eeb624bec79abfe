#include "exporter/memory/darwin_decode.h"

#include <algorithm>
#include <string>

#include "common/checked.h"

namespace headroom::exporter {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kMaxPageSize = 64 << 10;  // so that 2^32 pages stay far below 2^64 bytes

void DecodePages(const VmStatistics64& vm, uint64_t page, MemorySample& sample) {
  // The kernel's free_count holds the speculative pages: taken out for `free`, left in for
  // `available`, added to neither a second time. The counters are not read at one instant.
  sample.free = SaturatingSub(vm.free_count, vm.speculative_count) * page;
  sample.speculative = vm.speculative_count * page;
  const uint64_t free_inactive = (uint64_t{vm.free_count} + vm.inactive_count) * page;
  sample.available = std::min(sample.total, free_inactive);
  sample.available_kernel = std::min(sample.total, free_inactive + vm.active_count * page);
  sample.active = vm.active_count * page;
  sample.inactive = vm.inactive_count * page;
  sample.wired = vm.wire_count * page;
  sample.purgeable = vm.purgeable_count * page;
  sample.pageins = vm.pageins;
  sample.pageouts = vm.pageouts;
}

// Fields of revision 1; an older kernel leaves them unset rather than zero.
void DecodeRevision1(const VmStatistics64& vm, uint64_t page, MemorySample& sample) {
  sample.decompressions = vm.decompressions;
  sample.compressions = vm.compressions;
  sample.swapins = vm.swapins;
  sample.swapouts = vm.swapouts;
  sample.compressor = vm.compressor_page_count * page;
  sample.compressor_uncompressed = CheckedMul(vm.total_uncompressed_pages_in_compressor, page);
  sample.anonymous = vm.internal_page_count * page;
  sample.file_backed = vm.external_page_count * page;
  // External contains the speculative pages and purgeable overlaps active and inactive: each page
  // is counted once only in this combination.
  sample.reclaimable =
      std::min(sample.total, sample.free + *sample.file_backed + *sample.purgeable);
}

std::optional<uint64_t> Megabytes(const std::optional<int64_t>& value) {
  if (!value || *value < 0) return std::nullopt;
  return CheckedMul(static_cast<uint64_t>(*value), kMiB);
}

GpuSample DecodeGpu(const DarwinReading& reading) {
  GpuSample gpu;
  gpu.wired_limit_override = Megabytes(reading.wired_limit_mb);
  if (!gpu.wired_limit_override && reading.wired_limit_bytes.value_or(-1) >= 0) {
    gpu.wired_limit_override = static_cast<uint64_t>(*reading.wired_limit_bytes);
  }
  gpu.wired_low_water_mark = Megabytes(reading.wired_lwm_mb);
  if (reading.dynamic_lwm) gpu.dynamic_low_water_mark = *reading.dynamic_lwm != 0;
  if (reading.collector_disabled) gpu.wired_collector_disabled = *reading.collector_disabled != 0;
  return gpu;
}

std::optional<Error> Check(const DarwinReading& reading) {
  if (reading.vm_words < kVmWordsRev0) {
    return Error(Code::kUnsupported, "host_statistics64: expected at least " +
                                         std::to_string(kVmWordsRev0) + " words, found " +
                                         std::to_string(reading.vm_words));
  }
  if (reading.page_size == 0 || reading.page_size > kMaxPageSize) {
    return Error(Code::kUnsupported,
                 "vm_kernel_page_size: " + std::to_string(reading.page_size) + " is no page size");
  }
  if (reading.memsize.value_or(0) == 0) {
    return Error(Code::kUnsupported, "sysctl hw.memsize: expected bytes of memory, found none");
  }
  return std::nullopt;
}

}  // namespace

Pressure DecodeKernelPressure(int64_t level) {
  switch (level) {
    case 1: return Pressure::kNormal;
    case 2: return Pressure::kWarning;
    case 4: return Pressure::kCritical;
    default: return Pressure::kUnknown;
  }
}

Result<MemorySample> DecodeDarwinMemory(const DarwinReading& reading) {
  if (auto error = Check(reading)) return *error;
  const VmStatistics64& vm = reading.vm;
  const uint64_t page = reading.page_size;

  MemorySample sample;
  sample.page_size = page;
  sample.total = *reading.memsize;
  sample.usable = reading.memsize_usable;
  DecodePages(vm, page, sample);
  if (reading.vm_words >= kVmWordsRev1) DecodeRevision1(vm, page, sample);
  if (reading.swap) {
    sample.swap_used = reading.swap->used;
    sample.swap_allocated = reading.swap->total;
  }
  sample.user_wire_limit = reading.user_wire_limit;
  if (reading.pressure_level) {
    sample.kernel_pressure_raw = reading.pressure_level;
    sample.kernel_pressure = DecodeKernelPressure(*reading.pressure_level);
  }
  if (reading.memorystatus_level) {
    sample.kernel_free_ratio = static_cast<double>(*reading.memorystatus_level) / 100.0;
  }
  sample.gpu = DecodeGpu(reading);
  return sample;
}

ProcessMemory DecodeDarwinProcess(const RusageInfoV4& usage) {
  return {.resident = usage.resident_size,
          .footprint = usage.phys_footprint,
          .footprint_peak = usage.lifetime_max_phys_footprint,
          .wired = usage.wired_size};
}

}  // namespace headroom::exporter

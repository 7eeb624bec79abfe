#include "exporter/metrics/collector.h"

namespace headroom::exporter {
namespace {

struct Series {
  std::string_view name;
  std::string_view help;
  std::optional<uint64_t> MemorySample::*value;
};

constexpr Series kSizes[] = {
    {"headroom_memory_usable_bytes", "Memory the kernel divides its thresholds by.",
     &MemorySample::usable},
    {"headroom_memory_reclaimable_bytes",
     "Memory obtainable without compressing or swapping: free, file cache, purgeable.",
     &MemorySample::reclaimable},
    {"headroom_memory_available_kernel_bytes",
     "Available memory as the macOS kernel counts it, active pages included.",
     &MemorySample::available_kernel},
    {"headroom_memory_speculative_bytes", "File pages read ahead and not used yet.",
     &MemorySample::speculative},
    {"headroom_memory_active_bytes", "Pages used lately.", &MemorySample::active},
    {"headroom_memory_inactive_bytes", "Pages not used lately.", &MemorySample::inactive},
    {"headroom_memory_wired_bytes",
     "Memory that cannot be paged out: kernel, locked by programs, resident for the GPU.",
     &MemorySample::wired},
    {"headroom_memory_anonymous_bytes", "Pageable memory without a file behind it.",
     &MemorySample::anonymous},
    {"headroom_memory_file_backed_bytes", "Pageable memory with a file behind it.",
     &MemorySample::file_backed},
    {"headroom_memory_purgeable_bytes",
     "Memory its owner allows to be dropped; overlaps active and inactive.",
     &MemorySample::purgeable},
    {"headroom_memory_compressor_bytes", "Physical memory the compressor holds.",
     &MemorySample::compressor},
    {"headroom_memory_compressor_uncompressed_bytes",
     "Size of the compressor's content before compression.",
     &MemorySample::compressor_uncompressed},
    {"headroom_memory_swap_used_bytes", "Swap space in use.", &MemorySample::swap_used},
    {"headroom_memory_swap_allocated_bytes",
     "Swap space there is; macOS makes more as it needs it, so this is no limit there.",
     &MemorySample::swap_allocated},
    {"headroom_memory_user_wire_limit_bytes",
     "Most that programs may lock (mlock); the GPU has a limit of its own.",
     &MemorySample::user_wire_limit},
};

constexpr Series kEvents[] = {
    {"headroom_memory_pageins_total", "Pages read from files and swap.", &MemorySample::pageins},
    {"headroom_memory_pageouts_total", "Pages written to files and swap.", &MemorySample::pageouts},
    {"headroom_memory_swapins_total", "Pages read from swap.", &MemorySample::swapins},
    {"headroom_memory_swapouts_total", "Pages written to swap.", &MemorySample::swapouts},
    {"headroom_memory_compressions_total", "Pages compressed.", &MemorySample::compressions},
    {"headroom_memory_decompressions_total", "Pages decompressed.", &MemorySample::decompressions},
};

class MemoryCollector final : public Collector {
 public:
  explicit MemoryCollector(SampleCache& cache) : cache_(cache) {}

  std::string_view name() const override { return "memory"; }

  Result<Families> Collect() override {
    const Result<MemorySample>& sample = cache_.Get();
    if (!sample) return sample.error();
    Families out;
    out.Gauge("headroom_memory_total_bytes", "Physical memory.", sample->total);
    out.Gauge("headroom_memory_available_bytes",
              "Memory available for new allocations: free and inactive pages on macOS, "
              "MemAvailable on Linux. Read at most once per second, as all of headroom_memory.",
              sample->available);
    out.Gauge("headroom_memory_free_bytes", "Pages that hold nothing, speculative ones excluded.",
              sample->free);
    for (const Series& series : kSizes)
      out.Gauge(series.name, series.help, (*sample).*series.value);
    for (const Series& series : kEvents) {
      out.Counter(series.name, series.help, (*sample).*series.value);
    }
    return out;
  }

 private:
  SampleCache& cache_;
};

}  // namespace

std::unique_ptr<Collector> MakeMemoryCollector(SampleCache& cache) {
  return std::make_unique<MemoryCollector>(cache);
}

}  // namespace headroom::exporter

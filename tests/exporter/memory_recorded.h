// A macOS reading recorded on a real machine, for every test that needs one.
#pragma once

#include "exporter/memory/darwin_decode.h"

namespace headroom::exporter {

constexpr uint64_t kPage = 16384;
constexpr uint64_t kGiB = 1ull << 30;

// A 64 GB M5 Pro, healthy and full. vm_stat printed 57308 free pages: the kernel's count without
// the 33205 speculative ones.
inline DarwinReading Healthy64() {
  DarwinReading reading;
  reading.vm.free_count = 57308 + 33205;
  reading.vm.active_count = 858092;
  reading.vm.inactive_count = 829809;
  reading.vm.speculative_count = 33205;
  reading.vm.wire_count = 1742860;
  reading.vm.purgeable_count = 20750;
  reading.vm.compressor_page_count = 611016;
  reading.vm.total_uncompressed_pages_in_compressor = 2889283;
  reading.vm.external_page_count = 232947;
  reading.vm.internal_page_count = 1488159;
  reading.vm_words = kVmWordsRev1;
  reading.page_size = kPage;
  reading.memsize = 64 * kGiB;
  reading.pressure_level = 1;
  reading.memorystatus_level = 42;
  return reading;
}

}  // namespace headroom::exporter

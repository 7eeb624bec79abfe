// The readers of /proc texts and of the Metal probe's answer. The first byte chooses the reader.
#include <cstdlib>
#include <string_view>

#include "exporter/memory/linux_decode.h"
#include "exporter/memory/metal_probe.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace headroom::exporter;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  constexpr std::string_view kMinimal = "MemTotal: 9 kB\nMemFree: 1 kB\nMemAvailable: 2 kB\n";
  switch (data[0] % 5) {
    case 0: {
      const auto sample = DecodeLinuxMemory({.meminfo = text, .vmstat = "", .pressure = ""});
      if (sample && sample->available > sample->total) std::abort();
      break;
    }
    case 1: (void)DecodeLinuxMemory({.meminfo = kMinimal, .vmstat = text, .pressure = text}); break;
    case 2: (void)DecodeLinuxProcess(text, text); break;
    case 3: (void)FirstValue(text, "model name", ':'); break;
    default: (void)ParseMetalProbe(text);
  }
  return 0;
}

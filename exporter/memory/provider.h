// The seam to the operating system's memory accounting. One provider per process, owned by main and
// used from its one thread: on macOS the kernel answers only a few readings per second for the
// whole machine, so everybody shares one (see sample_cache.h).
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "common/result.h"
#include "exporter/memory/sample.h"

namespace headroom::exporter {

class MemoryProvider {
 public:
  virtual ~MemoryProvider() = default;

  // Errors say which source could not be read; a failed reading is never a sample of zeros.
  virtual Result<MemorySample> Sample() = 0;
  // kNotFound: no such process; kUnauthorized: it belongs to another user.
  virtual Result<ProcessMemory> SampleProcess(pid_t pid) = 0;
  virtual HostInfo Host() = 0;  // unknown facts are empty
};

// The provider of this platform. `root` is put before /proc, /sys and /etc on Linux, so that a
// recorded machine can be read; macOS has no such files and ignores it.
std::unique_ptr<MemoryProvider> MakeMemoryProvider(std::string root = "");

}  // namespace headroom::exporter

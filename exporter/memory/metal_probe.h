// GPU limits and driver counts. They are asked for in a short-lived child (`--probe-metal`), so
// that a fault in the graphics driver cannot take the exporter along: the child prints JSON, the
// parent parses it and merges it into its samples.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "common/result.h"
#include "exporter/memory/sample.h"

namespace headroom::exporter {

constexpr std::chrono::seconds kMetalProbeTimeout{5};  // longer means the driver hangs

// The child: prints one line of JSON to stdout and returns the process's exit status. Where there
// is no Metal it prints {"metal":null,"reason":"..."} and succeeds.
int RunMetalProbe();

// The parent: {} fields for whatever the child did not find. Errors: no JSON, or not the probe's.
Result<GpuSample> ParseMetalProbe(std::string_view json);

// Lays the probe's findings over a sample; values that cannot be true of this machine are dropped.
void MergeProbe(const GpuSample& probe, MemorySample& sample);

// True when the limit is below half of what the system's policy gives a machine of this size and
// nobody lowered it: Metal under-reports on small or pressured Macs, and after a restart it
// recovers.
bool WorkingSetDoubtful(const MemorySample& sample);

}  // namespace headroom::exporter

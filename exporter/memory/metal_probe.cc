#include "exporter/memory/metal_probe.h"

#include <optional>

#include "common/json.h"

namespace headroom::exporter {
namespace {

std::optional<uint64_t> Positive(const Json& json, JsonPath path) {
  const Json* value = json.Find(path);
  const auto number = value != nullptr ? value->AsUint() : std::nullopt;
  if (!number || *number == 0) return std::nullopt;
  return number;
}

}  // namespace

Result<GpuSample> ParseMetalProbe(std::string_view json) {
  const auto parsed = ParseJson(json, {.max_depth = 8, .max_bytes = 64 << 10});
  if (!parsed) return parsed.error().Within("metal probe");
  if (!parsed->IsObject() || parsed->Find("metal") == nullptr) {
    return Error(Code::kInvalid, "metal probe: expected an object with \"metal\", found " +
                                     std::string(parsed->TypeName()));
  }
  GpuSample gpu;
  gpu.device = StringOr(*parsed, {"metal", "name"});
  gpu.working_set_limit = Positive(*parsed, {"metal", "recommendedMaxWorkingSetSize"});
  gpu.max_buffer = Positive(*parsed, {"metal", "maxBufferLength"});
  gpu.in_use_memory = Positive(*parsed, {"driver", "In use system memory"});
  gpu.allocated_memory = Positive(*parsed, {"driver", "Alloc system memory"});
  if (const Json* count = parsed->Find({"driver", "recoveryCount"}))
    gpu.recoveries = count->AsUint();
  return gpu;
}

void MergeProbe(const GpuSample& probe, MemorySample& sample) {
  sample.gpu.device = probe.device;
  sample.gpu.working_set_limit = probe.working_set_limit;
  // More than the machine has is a unit error, and would let every model in.
  if (probe.working_set_limit > sample.total) sample.gpu.working_set_limit.reset();
  sample.gpu.max_buffer = probe.max_buffer;
  sample.gpu.in_use_memory = probe.in_use_memory;
  sample.gpu.allocated_memory = probe.allocated_memory;
  sample.gpu.recoveries = probe.recoveries;
  sample.gpu.probed_at = probe.probed_at;
}

bool WorkingSetDoubtful(const MemorySample& sample) {
  const auto& limit = sample.gpu.working_set_limit;
  if (!limit || sample.gpu.wired_limit_override.value_or(0) != 0) return false;
  // The lowest policy seen on any macOS is two thirds of memory; half of that is one third.
  return *limit < sample.total / 3;
}

}  // namespace headroom::exporter

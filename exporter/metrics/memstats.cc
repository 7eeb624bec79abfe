#include "exporter/metrics/memstats.h"

#include <algorithm>
#include <initializer_list>

#include "common/checked.h"
#include "common/time.h"

namespace headroom::exporter {
namespace {

// Share of memory macOS wires for itself; beyond it wired memory is the GPU's. For drawing only.
constexpr uint64_t kKernelShare = 16;

uint64_t Take(uint64_t wanted, uint64_t& from) {
  const uint64_t taken = std::min(wanted, from);
  from -= taken;
  return taken;
}

uint64_t InHand(const std::vector<ModelSeries>& models) {
  uint64_t sum = 0;
  for (const ModelSeries& model : models) {
    const uint64_t size = std::max(model.footprint.value_or(0), model.resident.value_or(0));
    sum = CheckedAdd(sum, size).value_or(UINT64_MAX);
  }
  return sum;
}

void SetIf(Json& object, std::string_view name, const std::optional<uint64_t>& value) {
  if (value) object.Set(name, *value);
}

Json PartsJson(const MemoryParts& parts) {
  Json json = Json::MakeObject();
  json.Set("wired", parts.wired);
  json.Set("models", parts.models);
  json.Set("other", parts.other);
  json.Set("compressed", parts.compressed);
  json.Set("reclaimable", parts.reclaimable);
  json.Set("free", parts.free);
  json.Set("reserved", parts.reserved);
  return json;
}

Json ModelJson(const ModelSeries& model) {
  Json json = Json::MakeObject();
  json.Set("namespace", model.ns);
  json.Set("name", model.name);
  json.Set("up", model.up);
  json.Set("ready", model.ready);
  json.Set("restarts", model.restarts);
  SetIf(json, "estimated", model.estimated);
  SetIf(json, "footprint", model.footprint);
  SetIf(json, "footprintPeak", model.footprint_peak);
  SetIf(json, "resident", model.resident);
  SetIf(json, "download", model.download);
  SetIf(json, "downloadTotal", model.download_total);
  if (model.started) json.Set("started", FormatRfc3339(*model.started));
  return json;
}

Json HostJson(const HostInfo& host) {
  Json json = Json::MakeObject();
  json.Set("system", host.system);
  json.Set("model", host.model);
  json.Set("chip", host.chip);
  json.Set("osVersion", host.os_version);
  return json;
}

Json GpuJson(const GpuSample& gpu) {
  Json json = Json::MakeObject();
  if (!gpu.device.empty()) json.Set("device", gpu.device);
  SetIf(json, "workingSetLimit", gpu.working_set_limit);
  SetIf(json, "inUse", gpu.in_use_memory);
  SetIf(json, "wiredLimitOverride", gpu.wired_limit_override);
  return json;
}

Json BudgetJson(const NodeBudget& node) {
  Json json = Json::MakeObject();
  json.Set("bytes", node.budget);
  json.Set("source", node.source);
  json.Set("committed", node.committed);
  json.Set("headroom", node.headroom);
  return json;
}

}  // namespace

MemoryParts SplitMemory(const MemorySample& sample, const std::vector<ModelSeries>& models) {
  MemoryParts parts;
  uint64_t rest = sample.total;
  parts.free = Take(sample.free, rest);
  parts.reclaimable =
      Take(SaturatingSub(sample.reclaimable.value_or(sample.available), sample.free), rest);
  parts.compressed = Take(sample.compressor.value_or(0), rest);
  parts.wired = Take(sample.wired.value_or(0), rest);
  const uint64_t kept =
      SaturatingSub(sample.anonymous.value_or(rest), sample.purgeable.value_or(0));
  parts.other = Take(kept, rest);
  parts.reserved = rest;

  uint64_t wanted = InHand(models);
  const auto shift = [&](uint64_t& from, uint64_t most) {
    const uint64_t moved = Take(std::min(wanted, most), from);
    parts.models += moved;
    wanted -= moved;
  };
  shift(parts.wired, SaturatingSub(parts.wired, sample.total / kKernelShare));
  for (uint64_t* part : {&parts.other, &parts.reclaimable, &parts.compressed, &parts.wired}) {
    shift(*part, *part);
  }
  return parts;
}

Json MemstatsJson(const MemstatsInput& input) {
  const MemorySample& sample = input.sample;
  Json json = Json::MakeObject();
  json.Set("takenAt", FormatRfc3339(sample.taken_at));
  json.Set("host", HostJson(input.host));
  json.Set("pressure", ToString(input.pressure));
  json.Set("total", sample.total);
  json.Set("available", sample.available);
  SetIf(json, "reclaimable", sample.reclaimable);
  SetIf(json, "wired", sample.wired);
  SetIf(json, "swapUsed", sample.swap_used);
  json.Set("parts", PartsJson(SplitMemory(sample, input.serving.models)));
  json.Set("gpu", GpuJson(sample.gpu));
  if (input.serving.node) json.Set("budget", BudgetJson(*input.serving.node));
  Json models = Json::MakeArray();
  for (const ModelSeries& model : input.serving.models) models.Append(ModelJson(model));
  json.Set("models", std::move(models));
  return json;
}

}  // namespace headroom::exporter

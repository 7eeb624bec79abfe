#include "estimator/footprint.h"

#include <algorithm>

#include "common/checked.h"
#include "estimator/memory/caches.h"
#include "estimator/memory/compute.h"
#include "estimator/memory/shape.h"
#include "estimator/version.h"

namespace headroom::estimator {
namespace {

constexpr uint64_t kMiB = 1u << 20;

// A process that has loaded nothing: code, HTTP server, thread stacks (23 MiB seen on Linux), and
// on a Mac Metal's device, command queues and compiled pipelines on top (an allowance: not
// measured).
constexpr uint64_t kProcess = 32 * kMiB, kMetalRuntime = 224 * kMiB;
// llama.cpp's vocabulary (strings, hash maps, merges) against the header it is read from.
constexpr uint64_t kVocabularyFactor = 8;

uint64_t RuntimeBytes(const ModelFile& model, Device device) {
  return kProcess + (device == Device::kMetal ? kMetalRuntime : 0) +
         kVocabularyFactor * model.header_bytes;
}

// Everything lies in one memory: on a CPU-only run all of it is the host's.
void MoveToHost(Footprint& out, const ModelFile& model) {
  MemoryParts& host = out.host;
  const MemoryParts& device = out.device;
  host.kv_cache += device.kv_cache;
  host.recurrent_state += device.recurrent_state;
  host.compute = std::max(host.compute, device.compute);
  host.weights = model.tensors.on_cpu;
  out.device = {};
}

void AddGrowth(Footprint& out, const ModelFile& model, const Shape& shape,
               const ServingOptions& options) {
  if (options.prompt_cache_mib == ServingOptions::kUnlimited) {
    out.warnings.push_back("the prompt cache is unlimited (--cache-ram -1): it is not counted");
  } else if (!model.hyper.encoder_only) {
    out.prompt_cache = options.prompt_cache_mib * kMiB;
  }
  // A checkpoint is kept at least every 8192 tokens (checkpoint_min_step in common/common.h), and
  // one each at the start and the end of a prompt.
  constexpr uint64_t kMinStep = 8192;
  const uint64_t possible = shape.cells / kMinStep + 2;
  const uint64_t kept = std::min<uint64_t>(options.context_checkpoints, possible);
  // Of absurd models the product may overflow; any number this large is refused anyway.
  constexpr uint64_t kAbsurd = uint64_t{1} << 60;
  const auto bytes = CheckedMul(CheckpointBytes(model, shape), kept * shape.slots);
  out.context_checkpoints = std::min(bytes.value_or(kAbsurd), kAbsurd);
}

void AddWarnings(Footprint& out, const ModelFile& model, const Shape& shape,
                 const ServingOptions& options) {
  out.warnings.insert(out.warnings.end(), model.warnings.begin(), model.warnings.end());
  const bool v_quantised = shape.v->block_elements > 1;
  if (options.device == Device::kMetal && shape.k != shape.v && v_quantised) {
    out.warnings.push_back(
        "K and V cache types differ: Metal has no such flash attention, it will "
        "run on the CPU, slowly");
  }
  if (model.hyper.context_train != 0 && shape.cells > model.hyper.context_train) {
    out.warnings.push_back("context " + std::to_string(shape.cells) +
                           " a slot exceeds the training context " +
                           std::to_string(model.hyper.context_train));
  }
}

void Total(Footprint& out) {
  const uint64_t buffers =
      out.device.Sum() + out.host.Sum() - out.device.weights - out.host.weights;
  out.load_bytes = out.resident_weights + buffers + out.projector + out.runtime;
  out.footprint_bytes = out.load_bytes + out.prompt_cache + out.context_checkpoints;
}

}  // namespace

std::string_view ToString(Method method) {
  switch (method) {
    case Method::kExact: return "exact";
    case Method::kClosedForm: return "closed-form";
    case Method::kBound: return "bound";
  }
  return "";
}

Result<Footprint> Estimate(const ModelFile& model, const ServingOptions& options) {
  const auto shape = MakeShape(model, options);
  if (!shape) return shape.error();
  const RuntimeTraits traits = TraitsOf(options.runtime_version);
  Footprint out;
  out.method = model.bound ? Method::kBound : Method::kClosedForm;
  out.runtime_version = traits.version;
  if (!traits.note.empty()) out.warnings.push_back(traits.note);
  const ComputeBytes compute = ClosedFormCompute(model, *shape, traits.graph_inputs);
  const uint64_t moved = traits.graph_inputs ? 0 : model.tensors.host_before_060;
  out.device = {.weights = model.tensors.device - moved,
                .kv_cache = KvCacheBytes(model, *shape),
                .recurrent_state = RecurrentStateBytes(model, *shape),
                .compute = compute.device};
  out.host = {.weights = model.tensors.host + moved,
              .compute = compute.host,
              .output = 4 * shape->outputs * uint64_t{model.hyper.vocabulary}};
  if (options.device == Device::kCpu) MoveToHost(out, model);
  out.file_bytes = model.file_bytes;
  out.resident_weights = options.load_mode == LoadMode::kMmap
                             ? SaturatingSub(model.file_bytes, model.tensors.skipped)
                             : out.device.weights + out.host.weights;
  out.projector = options.mmproj_bytes + options.lora_bytes;
  out.runtime = RuntimeBytes(model, options.device);
  out.context = static_cast<uint32_t>(shape->context);
  out.context_per_slot = static_cast<uint32_t>(shape->cells);
  out.slots = static_cast<uint32_t>(shape->slots);
  AddGrowth(out, model, *shape, options);
  AddWarnings(out, model, *shape, options);
  Total(out);
  return out;
}

namespace {

Json PartsJson(const MemoryParts& parts) {
  Json out = Json::MakeObject();
  out.Set("weights", parts.weights);
  out.Set("kv_cache", parts.kv_cache);
  out.Set("recurrent_state", parts.recurrent_state);
  out.Set("compute", parts.compute);
  out.Set("output", parts.output);
  return out;
}

}  // namespace

Json ToJson(const ModelFile& model, const Footprint& footprint) {
  Json out = Json::MakeObject();
  out.Set("architecture", model.architecture);
  out.Set("name", model.name);
  out.Set("quantization", model.quantization);
  out.Set("runtime_version", footprint.runtime_version);
  out.Set("method", ToString(footprint.method));
  out.Set("context", uint64_t{footprint.context});
  out.Set("slots", uint64_t{footprint.slots});
  out.Set("device_bytes", PartsJson(footprint.device));
  out.Set("host_bytes", PartsJson(footprint.host));
  out.Set("prompt_cache", footprint.prompt_cache);
  out.Set("context_checkpoints", footprint.context_checkpoints);
  out.Set("projector", footprint.projector);
  out.Set("runtime", footprint.runtime);
  out.Set("load_bytes", footprint.load_bytes);
  out.Set("footprint_bytes", footprint.footprint_bytes);
  out.Set("file_bytes", footprint.file_bytes);
  Json warnings = Json::MakeArray();
  for (const std::string& warning : footprint.warnings) warnings.Append(warning);
  out.Set("warnings", std::move(warnings));
  return out;
}

}  // namespace headroom::estimator

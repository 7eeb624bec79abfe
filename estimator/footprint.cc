#include "estimator/footprint.h"

#include <algorithm>

#include "common/checked.h"
#include "estimator/graph/compute_graphs.h"
#include "estimator/memory/bound.h"
#include "estimator/memory/caches.h"
#include "estimator/memory/compute.h"
#include "estimator/memory/flash.h"
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
  // One at least every checkpoint_min_step tokens (tools/server), and one each at the start and the
  // end of a prompt.
  const uint64_t step = std::max<uint64_t>(options.checkpoint_min_step, 1);
  const uint64_t possible = shape.cells / step + 2;
  const uint64_t kept = std::min<uint64_t>(options.context_checkpoints, possible);
  // Of absurd models the product may overflow; any number this large is refused anyway.
  constexpr uint64_t kAbsurd = uint64_t{1} << 60;
  const auto bytes = CheckedMul(CheckpointBytes(model, shape), kept * shape.slots);
  out.context_checkpoints = std::min(bytes.value_or(kAbsurd), kAbsurd);
}

// Bytes of a row of the output buffer (llama_context::output_reserve): logits, with embeddings the
// hidden state, with backend sampling the probabilities and the candidates.
uint64_t OutputRowBytes(const ModelFile& model, const ServingOptions& options) {
  const uint64_t vocabulary = model.hyper.vocabulary;
  uint64_t elements = vocabulary;
  if (options.embeddings || model.architecture == "t5") elements += model.hyper.embedding;
  if (options.backend_sampling) elements += 2 * vocabulary + 1;
  return 4 * elements;
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
  const auto without_kernel = [](const Layer& layer) {
    return layer.cache != Cache::kNone && !HasMetalFlashKernel(layer.k_head, layer.v_head);
  };
  const auto odd = std::find_if(model.layers.begin(), model.layers.end(), without_kernel);
  if (shape.metal && shape.flash && odd != model.layers.end()) {
    out.warnings.push_back("head size " + std::to_string(odd->k_head) +
                           ": Metal has no flash attention for it, attention runs as with it off");
  }
  if (model.hyper.context_train != 0 && shape.cells > model.hyper.context_train) {
    out.warnings.push_back("context " + std::to_string(shape.cells) +
                           " a slot exceeds the training context " +
                           std::to_string(model.hyper.context_train));
  }
  const bool split = options.gpu_layers && *options.gpu_layers > 0 &&
                     *options.gpu_layers <= model.hyper.layer_count;
  if (split && options.device == Device::kMetal) {
    out.warnings.push_back("only " + std::to_string(*options.gpu_layers) + " of " +
                           std::to_string(model.hyper.layer_count + 1) +
                           " layers are offloaded: the sum holds, its split between GPU and CPU "
                           "and the compute buffers are those of a full offload");
  }
}

// The NextN layers of the model itself draft: they are loaded then, with a full cache each and a
// graph of their own, which is no larger than the model's.
Result<void> AddOwnDraft(Footprint& out, const ModelFile& model, const ServingOptions& options) {
  if (model.hyper.nextn_layers == 0) {
    return Error(Code::kUnsupported,
                 "llama.cpp refuses: draft-mtp needs NextN layers and the file has none");
  }
  ServingOptions draft = options;
  draft.speculative = {};
  draft.cache_type_k = options.speculative.cache_type_k;
  draft.cache_type_v = options.speculative.cache_type_v;
  if (options.speculative.ubatch != 0) draft.ubatch = options.speculative.ubatch;
  ModelFile layers = model;
  const auto widest = std::max_element(
      layers.layers.begin(), layers.layers.end(), [](const Layer& a, const Layer& b) {
        return uint64_t{a.k_width} + a.v_width < uint64_t{b.k_width} + b.v_width;
      });
  if (widest == layers.layers.end()) return {};
  Layer full = *widest;
  full.cache = Cache::kFull;
  full.recurrent = false;
  layers.layers.assign(model.hyper.nextn_layers, full);
  const auto shape = MakeShape(layers, draft);
  if (!shape) return shape.error().Within("draft context");
  out.draft = model.tensors.skipped + KvCacheBytes(layers, *shape) + out.Compute() + out.Output();
  out.warnings.push_back("the draft context of the NextN layers is an upper bound");
  return {};
}

void Total(Footprint& out) {
  const uint64_t buffers =
      out.device.Sum() + out.host.Sum() - out.device.weights - out.host.weights;
  out.load_bytes = out.resident_weights + buffers + out.Companions() + out.runtime;
  out.footprint_bytes =
      out.load_bytes + out.prompt_cache + out.context_checkpoints + out.full_outputs;
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

namespace {

// From one minor version of llama.cpp to the next the compute buffers move; 0.5.0 to 0.6.0 by at
// most this much in nine of ten configurations.
constexpr uint64_t kDriftPercent = 14;

// Sparse attention, compressed caches and encoders with a decoder keep scores and indices alive
// that the closed form does not describe.
bool IsBeyondClosedForm(const ModelFile& model) {
  const auto sparse = [](const Layer& layer) {
    return layer.index_k_width > 0 || layer.compress_ratio > 0;
  };
  return model.architecture == "t5" || std::ranges::any_of(model.layers, sparse);
}

// Without a table a refusal slightly too early is better than a Mac taken down. How low the closed
// form was on measured rows: with flash attention by up to half of the compute buffer where layers
// have a state (scans and convolutions are approximate) and by a quarter elsewhere, without it by a
// tenth.
ComputeBytes LeanUpwards(ComputeBytes bytes, const ModelFile& model, const Shape& shape) {
  if (IsBeyondClosedForm(model)) {
    ComputeBytes bound = BoundCompute(model, shape);
    // Both halves of T5 hold position biases of every head for all tokens against each other.
    const uint64_t times = model.architecture == "t5" ? 4 : 1;
    // Each layer with an indexer of its own has a mask of f32.
    const auto masks = static_cast<uint64_t>(std::ranges::count_if(
        model.layers, [](const Layer& layer) { return layer.index_k_width > 0; }));
    bound.device = times * bound.device + masks * shape.cells * shape.tokens * sizeof(float);
    return {std::max(bytes.device, bound.device), std::max(bytes.host, times * bound.host)};
  }
  const bool has_state = std::ranges::any_of(model.layers, &Layer::recurrent);
  const uint64_t part = !shape.flash ? 10 : has_state ? 2 : 4;
  return {bytes.device + bytes.device / part, bytes.host + bytes.host / 10};
}

// By the table of the version; without one for this model, by the closed form or the graphs of the
// nearest structure, whichever needs more.
ComputeBytes Compute(Footprint& out, const ModelFile& model, const Shape& shape,
                     const RuntimeTraits& traits) {
  if (model.bound) return BoundCompute(model, shape);
  const auto replayed = ReplayCompute(model, shape, traits.version);
  ComputeBytes bytes = {};
  if (replayed && replayed->exact) {
    bytes = replayed->bytes;
    out.method = Method::kExact;
  } else {
    bytes = ClosedFormCompute(model, shape, traits.graph_inputs);
    if (replayed) {
      bytes.device = std::max(bytes.device, replayed->bytes.device);
      bytes.host = std::max(bytes.host, replayed->bytes.host);
    }
    if (shape.metal) bytes = LeanUpwards(bytes, model, shape);
  }
  if (traits.note.empty()) return bytes;
  if (out.method == Method::kExact) out.method = Method::kClosedForm;
  out.warnings.push_back("compute buffers hold a margin of " + std::to_string(kDriftPercent) +
                         " % for what may have changed between these versions");
  const auto drifted = [](uint64_t part) { return part + part / 100 * kDriftPercent; };
  return {drifted(bytes.device), drifted(bytes.host)};
}

}  // namespace

Result<Footprint> Estimate(const ModelFile& model, const ServingOptions& options) {
  const auto shape = MakeShape(model, options);
  if (!shape) return shape.error();
  const RuntimeTraits traits = TraitsOf(options.runtime_version);
  Footprint out;
  out.method = model.bound ? Method::kBound : Method::kClosedForm;
  out.runtime_version = traits.version;
  if (!traits.note.empty()) out.warnings.push_back(traits.note);
  const ComputeBytes compute = Compute(out, model, *shape, traits);
  const uint64_t moved = traits.graph_inputs ? 0 : model.tensors.host_before_060;
  out.device = {.weights = model.tensors.device - moved,
                .kv_cache = KvCacheBytes(model, *shape),
                .recurrent_state = RecurrentStateBytes(model, *shape),
                .compute = compute.device};
  out.host = {.weights = model.tensors.host + moved,
              .compute = compute.host,
              .output = shape->slots * OutputRowBytes(model, options)};
  out.full_outputs = (shape->outputs - shape->slots) * OutputRowBytes(model, options);
  if (options.device == Device::kCpu) MoveToHost(out, model);
  out.file_bytes = model.file_bytes;
  out.resident_weights = options.load_mode == LoadMode::kMmap
                             ? SaturatingSub(model.file_bytes, model.tensors.skipped)
                             : out.device.weights + out.host.weights;
  out.projector = options.mmproj_bytes + options.mmproj_compute_bytes;
  out.lora = options.lora_bytes;
  out.control_vectors = options.control_vector_bytes;
  out.expert_cache = options.expert_cache_mib * kMiB;
  out.runtime = RuntimeBytes(model, options.device);
  out.context = static_cast<uint32_t>(shape->context);
  out.context_per_slot = static_cast<uint32_t>(shape->cells);
  out.slots = static_cast<uint32_t>(shape->slots);
  AddGrowth(out, model, *shape, options);
  AddWarnings(out, model, *shape, options);
  if (options.speculative.own_layers) {
    if (auto added = AddOwnDraft(out, model, options); !added) return added.error();
  }
  Total(out);
  return out;
}

Result<Footprint> Estimate(const ModelFile& model, const ServingOptions& options,
                           const ModelFile& draft) {
  ServingOptions target = options;
  target.speculative.own_layers = false;  // a draft file overrules the model's own layers
  auto out = Estimate(model, target);
  if (!out) return out;
  // common_base_params_to_speculative(): as the target, but for the cache types and a row a slot.
  ServingOptions serving = options;
  serving.speculative = {};
  serving.context = out->context;
  serving.kv_unified = options.Unified();
  serving.parallel = out->slots;
  serving.cache_type_k = options.speculative.cache_type_k;
  serving.cache_type_v = options.speculative.cache_type_v;
  if (options.speculative.ubatch != 0) serving.ubatch = options.speculative.ubatch;
  serving.embeddings = false;
  serving.mmproj_bytes = serving.mmproj_compute_bytes = 0;
  serving.lora_bytes = serving.control_vector_bytes = 0;
  serving.expert_cache_mib = 0;
  const auto beside = Estimate(draft, serving);
  if (!beside) return beside.error().Within("draft model");
  out->draft = beside->load_bytes - beside->runtime + kVocabularyFactor * draft.header_bytes;
  Total(*out);
  return out;
}

}  // namespace headroom::estimator

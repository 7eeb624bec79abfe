#include "estimator/memory/shape.h"

#include <algorithm>

#include "common/checked.h"
#include "estimator/version.h"

namespace headroom::estimator {
namespace {

// Above any model and any Mac: keeps every later product within 64 bits.
constexpr uint64_t kMaxContext = 1u << 28;
constexpr uint64_t kMaxSlots = 256;  // LLAMA_MAX_SEQ
constexpr uint64_t kMaxBatch = 1u << 16;

Error Refused(std::string text) { return Error(Code::kUnsupported, "llama.cpp refuses: " + text); }

Result<const GgmlType*> CacheType(const std::string& name, const char* which) {
  const GgmlType* type = FindGgmlType(name);
  if (type != nullptr && IsCacheType(*type)) return type;
  return Error(Code::kInvalid, std::string("cache type ") + which + ": '" + name +
                                   "' is none of f32, f16, bf16, q8_0, q4_0, q4_1, iq4_nl, q5_0, "
                                   "q5_1");
}

Result<void> CheckRanges(const ModelFile& model, const ServingOptions& options) {
  if (options.context == 0 && model.hyper.context_train == 0 && !model.hyper.encoder_only) {
    return Error(Code::kInvalid,
                 "the file names no training context: set the context size explicitly");
  }
  if (options.context > kMaxContext) {
    return Error(Code::kInvalid, "context " + std::to_string(options.context) +
                                     " is out of range (at most 268435456)");
  }
  if (options.Slots() > kMaxSlots) {
    return Error(Code::kInvalid,
                 "parallel " + std::to_string(options.parallel) + " is out of range (at most 256)");
  }
  if (options.batch == 0 || options.batch > kMaxBatch || options.ubatch > kMaxBatch) {
    return Error(Code::kInvalid, "batch and ubatch must be 1 to 65536");
  }
  return {};
}

// llama_init_from_model() and the constructor of llama_kv_cache.
Result<void> CheckCacheTypes(const ModelFile& model, const Shape& shape) {
  const bool k_quantised = shape.k->block_elements > 1, v_quantised = shape.v->block_elements > 1;
  const std::string k(shape.k->name), v(shape.v->name);
  if (v_quantised && !shape.flash) {
    return Refused("V cache type " + v + " needs flash attention, which is off" +
                   (model.hyper.flash_attention ? "" : " for " + model.architecture) +
                   "; use cache type V f16");
  }
  if (model.hyper.mla && shape.k != shape.v) {
    return Refused("K and V cache types must be equal for " + model.architecture + " (MLA), got " +
                   k + " and " + v);
  }
  for (const Layer& layer : model.layers) {
    if (layer.cache == Cache::kNone) continue;
    if (k_quantised && layer.k_head % shape.k->block_elements != 0) {
      return Refused("K cache type " + k + ": its block of 32 does not divide the head size " +
                     std::to_string(layer.k_head) + "; use f16");
    }
    if (v_quantised && layer.v_head % shape.v->block_elements != 0) {
      return Refused("V cache type " + v + ": its block of 32 does not divide the head size " +
                     std::to_string(layer.v_head) + "; use f16");
    }
  }
  return {};
}

// Graphs are built into max(1024, 8 * tensors) nodes (llama_context::graph_max_nodes); phi3 has six
// fused tensors a layer, and with a quantised cache in four streams its graph needs more: llama.cpp
// aborts with a full hash set. Seen with phi-4 (40 layers, 243 tensors); 49 nodes a layer fits.
Result<void> CheckGraphSize(const ModelFile& model, const Shape& shape) {
  if (model.architecture == "t5" && shape.streams > 1) {
    return Refused("t5 with several slots needs a unified cache (--kv-unified)");
  }
  const uint64_t nodes = std::max<uint64_t>(1024, 8 * uint64_t{model.tensors.count});
  const bool quantised = shape.k->block_elements > 1 || shape.v->block_elements > 1;
  const bool fused = model.architecture == "phi3";
  if (fused && quantised && shape.streams > 2 && nodes < 49 * model.layers.size()) {
    return Refused("a quantised cache in " + std::to_string(shape.streams) +
                   " streams exceeds the graph size of this model (it aborts); use f16 or "
                   "--kv-unified");
  }
  return {};
}

// llama-server asks for a row a slot and a row more for each drafted token
// (common_speculative_get_output_limits); an encoder gets the whole batch (llama_context).
uint64_t OutputRows(const ModelFile& model, const ServingOptions& options, const Shape& shape) {
  uint64_t rows = 0;
  switch (options.outputs.mode) {
    case Outputs::Mode::kServer:
      rows = options.embeddings ? shape.batch
                                : shape.slots * (1 + uint64_t{options.speculative.tokens});
      break;
    case Outputs::Mode::kBatch: rows = shape.batch; break;
    case Outputs::Mode::kCount: rows = options.outputs.count; break;
  }
  if (model.architecture == "t5") rows = shape.batch;
  return std::max(std::min(rows, shape.batch), shape.slots);
}

void SetContext(const ModelFile& model, const ServingOptions& options, Shape& shape) {
  const uint64_t asked = options.context != 0 ? options.context : model.hyper.context_train;
  shape.slots = options.Slots();
  shape.unified = options.Unified();
  shape.batch = std::min<uint64_t>(asked == 0 ? options.batch : asked, options.batch);
  shape.ubatch =
      std::min<uint64_t>(shape.batch, options.ubatch == 0 ? options.batch : options.ubatch);
  // Embeddings are made of one physical batch: llama-server cuts the logical one down to it.
  if (options.embeddings) shape.batch = shape.ubatch;
  shape.context = PadUp(std::max<uint64_t>(asked, 1), 256);
  const bool apart = model.hyper.streams_apart;
  shape.streams = options.Unified() && !apart ? 1 : shape.slots;
  shape.cells = options.Unified() ? shape.context : PadUp(shape.context / shape.slots, 256);
  if (!options.Unified()) shape.context = shape.cells * shape.slots;
  const uint64_t window = model.hyper.window;
  const uint64_t sequences = options.Unified() && !apart ? shape.slots : 1;
  const auto limited = [&](uint64_t cells) {
    return PadUp(std::min(shape.cells, cells + shape.ubatch), 256);
  };
  shape.window_cells = options.swa_full ? shape.cells : limited(window * sequences);
  shape.checkpoint_cells = options.swa_full ? 0 : limited(window);
  shape.tokens = PadUp(std::min(shape.context, shape.ubatch), shape.slots);
  shape.outputs = OutputRows(model, options, shape);
}

}  // namespace

Result<Shape> MakeShape(const ModelFile& model, const ServingOptions& options) {
  if (auto checked = CheckRanges(model, options); !checked) return checked.error();
  const auto k = CacheType(options.cache_type_k, "K");
  if (!k) return k.error();
  const auto v = CacheType(options.cache_type_v, "V");
  if (!v) return v.error();
  Shape shape;
  shape.metal = options.device == Device::kMetal;
  shape.k = *k;
  shape.v = *v;
  shape.flash = options.flash_attention != FlashAttention::kOff && model.hyper.flash_attention;
  shape.pooled_index = TraitsOf(options.runtime_version).pooled_index;
  SetContext(model, options, shape);
  if (shape.cells > kMaxContext || shape.cells * shape.streams > kMaxContext) {
    return Error(Code::kInvalid, "a KV cache of " + std::to_string(shape.cells) + " tokens x " +
                                     std::to_string(shape.streams) +
                                     " streams is out of range (at most 268435456)");
  }
  if (!model.hyper.encoder_only) {
    if (auto checked = CheckCacheTypes(model, shape); !checked) return checked.error();
  }
  if (auto checked = CheckGraphSize(model, shape); !checked) return checked.error();
  return shape;
}

}  // namespace headroom::estimator

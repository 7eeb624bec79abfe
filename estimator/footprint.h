// Footprint: the bytes one llama-server needs, part by part, for a model and how it is served.
// Pure arithmetic over the header; comparable to llama.cpp's own memory breakdown.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/json.h"
#include "common/result.h"
#include "estimator/model.h"
#include "estimator/serving.h"

namespace headroom::estimator {

enum class Method : uint8_t {
  kExact,       // compute buffers by the allocator replay for this llama.cpp version
  kClosedForm,  // weights, KV and recurrent state exact, compute buffers approximate
  kBound,       // an upper bound: the architecture is unknown
};
std::string_view ToString(Method method);  // "exact" | "closed-form" | "bound"

struct MemoryParts {
  uint64_t weights = 0, kv_cache = 0, recurrent_state = 0, compute = 0, output = 0;
  uint64_t Sum() const { return weights + kv_cache + recurrent_state + compute + output; }
  friend bool operator==(const MemoryParts&, const MemoryParts&) = default;
};

struct Footprint {
  MemoryParts device = {}, host = {};  // buf.MTL0 and buf.CPU (+ the output buffer)
  uint64_t prompt_cache = 0;           // may grow to (--cache-ram)
  uint64_t context_checkpoints = 0;    // may grow to
  uint64_t full_outputs = 0;           // may grow to: rows of logits beyond one a slot
  uint64_t projector = 0;              // mmproj: its tensors and its graph
  uint64_t lora = 0, control_vectors = 0;
  uint64_t draft = 0;         // the draft model's weights, caches and buffers, or the MTP layers'
  uint64_t expert_cache = 0;  // --moe-cache-mib
  uint64_t runtime = 0;       // process, pipelines, tokenizer, HTTP
  uint64_t resident_weights = 0;  // physical: the file once with mmap, else the buffers
  uint64_t load_bytes = 0;        // resident when the server is ready
  uint64_t footprint_bytes = 0;   // what it may grow to: this is what admission counts
  uint64_t file_bytes = 0;
  Method method = Method::kClosedForm;
  std::string runtime_version = {};  // the llama.cpp version the estimate is made for
  uint32_t context = 0, context_per_slot = 0, slots = 0;  // as llama-server will have them
  std::vector<std::string> warnings = {};

  uint64_t KvCache() const { return device.kv_cache + host.kv_cache; }
  uint64_t RecurrentState() const { return device.recurrent_state + host.recurrent_state; }
  uint64_t Compute() const { return device.compute + host.compute; }
  uint64_t Output() const { return device.output + host.output; }
  uint64_t Companions() const { return projector + lora + control_vectors + draft + expert_cache; }
};

// Errors (kUnsupported): a configuration that llama.cpp itself refuses or aborts on, with its
// reason and the way out: quantised V without flash attention, MLA with K != V types, a block size
// that does not divide the head size, a graph larger than its node budget. kInvalid: an option out
// of range.
Result<Footprint> Estimate(const ModelFile& model, const ServingOptions& options);
// The same with the draft model of speculative decoding, which has a context of its own.
Result<Footprint> Estimate(const ModelFile& model, const ServingOptions& options,
                           const ModelFile& draft);

// The contract of `headroom estimate --json`: one object a source; see docs/estimator.md.
Json ToJson(const ModelFile& model, const Footprint& footprint);

}  // namespace headroom::estimator

// Shape: the sizes of a llama_context that everything else is computed from, with llama.cpp's own
// defaults and roundings applied (llama_context::llama_context, llama_init_from_model).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/result.h"
#include "estimator/gguf/ggml_type.h"
#include "estimator/model.h"
#include "estimator/serving.h"

namespace headroom::estimator {

struct Shape {
  uint64_t context = 0;           // n_ctx
  uint64_t cells = 0;             // n_ctx_seq: cells of one stream of the cache
  uint64_t window_cells = 0;      // cells of one stream of the sliding-window cache
  uint64_t checkpoint_cells = 0;  // window cells that one sequence can fill
  uint64_t streams = 1;           // separate caches: 1 if unified, else one a slot
  uint64_t slots = 1;             // n_seq_max
  uint64_t batch = 0, ubatch = 0;
  uint64_t tokens = 0;   // of the worst-case graph: ubatch rounded up to a multiple of slots
  uint64_t outputs = 0;  // rows of logits: n_outputs_max
  bool unified = false;  // one cache for all slots was asked for
  bool flash = true;
  bool metal = true;         // else everything runs on the CPU
  bool pooled_index = true;  // RuntimeTraits
  const GgmlType* k = nullptr;
  const GgmlType* v = nullptr;
};

// Errors as Estimate() says.
Result<Shape> MakeShape(const ModelFile& model, const ServingOptions& options);

}  // namespace headroom::estimator

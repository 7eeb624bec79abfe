// KV cache and recurrent state in bytes, as llama_kv_cache*, llama_memory_* allocate them.
#pragma once

#include "estimator/memory/shape.h"

namespace headroom::estimator {

uint64_t KvCacheBytes(const ModelFile& model, const Shape& shape);
uint64_t RecurrentStateBytes(const ModelFile& model, const Shape& shape);

// Bytes of one context checkpoint: what cannot be recomputed from the cache of one sequence, its
// recurrent state and its window rows; 0 for a model that needs none.
uint64_t CheckpointBytes(const ModelFile& model, const Shape& shape);

}  // namespace headroom::estimator

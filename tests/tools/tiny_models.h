// Two small language models with random weights (fixed seed) that a real llama-server loads and
// answers with: nonsense, but over the real code path.
#pragma once

#include "tests/tools/gguf_writer.h"

namespace headroom::testing {

// 0.5 MB: 2 layers, embedding 64, 4 heads, 2 KV heads, training context 32768.
GgufWriter TinyModel();

// 4.7 MB: 4 layers with 4 KV heads of 256, so 16 KiB of KV cache a token (16 GiB at its training
// context of 1048576): small on disk, as large in memory as a test wants.
GgufWriter KvHeavyModel();

}  // namespace headroom::testing

// ModelFile: what the estimator keeps of a model file: hyper-parameters, what each layer needs in
// the caches, and tensor bytes by where llama.cpp puts them. A plain value of a few KiB, so that
// thousands can be cached; it borrows nothing.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "common/result.h"
#include "estimator/gguf/header.h"

namespace headroom::estimator {

// Which rows a layer keeps for each token.
enum class Cache : uint8_t {
  kNone,    // no attention, or the layer reuses another layer's rows
  kFull,    // every token of the context
  kWindow,  // the last `window` tokens (sliding window or chunk)
};

// One layer's memory. Widths are in elements a token, over all KV heads; states in f32 elements a
// sequence.
struct Layer {
  Cache cache = Cache::kNone;
  bool recurrent = false;
  uint32_t k_width = 0, v_width = 0;              // v_width 0 with a cache: K only (MLA)
  uint32_t index_k_width = 0, index_v_width = 0;  // sparse attention's indexer, a row a token
  uint32_t index_pool_width = 0;                  // its pooled key, in the same rows since 0.6.0
  uint32_t head_count = 0, head_count_kv = 0;
  uint32_t k_head = 0, v_head = 0;  // head sizes in elements
  uint32_t feed_forward = 0;
  uint64_t conv_state = 0, ssm_state = 0;  // llama_hparams n_embd_r(), n_embd_s()
  uint64_t extra_state = 0;                // a third tensor (PLE convolution history)
  // Compressed caches (deepseek4): one row for `ratio` tokens, and one for the indexer.
  uint32_t compress_ratio = 0, compress_width = 0, compress_index_width = 0;
  std::array<uint64_t, 2> collect_states = {0, 0};
  friend bool operator==(const Layer&, const Layer&) = default;
};

struct HyperParameters {
  uint32_t embedding = 0, vocabulary = 0, context_train = 0;
  uint32_t layer_count = 0;  // layers that are loaded: block_count - nextn_layers
  uint32_t nextn_layers = 0;
  uint32_t head_count = 0;
  uint32_t window = 0;  // sliding window or chunk in tokens; 0 = none
  uint32_t expert_count = 0, expert_used = 0, expert_feed_forward = 0, leading_dense = 0;
  uint32_t feed_forward = 0;
  uint32_t conv_kernel = 0, ssm_inner = 0, ssm_state = 0, ssm_groups = 0, ssm_heads = 0;
  uint32_t max_v_width = 0;     // V rows are padded to it without flash attention
  uint32_t mla_head = 0;        // size of a head of MLA before compression
  bool mla = false;             // compressed K, no V cache
  bool streams_apart = false;   // one stream of cache a slot, also when unified
  bool encoder_only = false;    // no cache at all (BERT family, T5 encoder)
  bool flash_attention = true;  // false: llama.cpp turns FA off for this architecture (grok)
};

// Bytes of all loaded tensors, each padded to 32 as the backend buffers do.
struct TensorBytes {
  uint64_t device = 0;           // what the GPU buffer holds with everything offloaded
  uint64_t host = 0;             // token_embd and its like stay on the CPU
  uint64_t on_cpu = 0;           // all loaded tensors once: a CPU-only run
  uint64_t skipped = 0;          // NextN layers in the file that are not loaded
  uint64_t host_before_060 = 0;  // of `device`: what llama.cpp before 0.6.0 kept on the CPU
  uint64_t parameters = 0;       // elements of all tensors
  uint32_t count = 0;            // loaded tensors (bounds llama.cpp's graph size)
};

// A number of the metadata by the hash of its name (SymbolKey), for expressions of graph sizes.
struct ModelSymbol {
  uint64_t key = 0, value = 0;
};

// Which tensors and switches the model has, as hashes; see graph/structure.h.
struct GraphStructure {
  uint64_t whole = 0;
  std::vector<uint64_t> layers = {};  // the kind of each layer
};

struct ModelFile {
  std::string architecture = {}, name = {};
  std::string quantization = {};  // general.file_type as "Q4_K_M"; "" if the file does not say
  HyperParameters hyper = {};
  std::vector<Layer> layers = {};
  TensorBytes tensors = {};
  std::vector<ModelSymbol> symbols = {};  // sorted by key
  GraphStructure structure = {};
  uint64_t file_bytes = 0;
  uint64_t header_bytes = 0;  // all parts
  bool bound = false;         // of an unknown architecture or a cut header: an upper bound
  std::vector<std::string> warnings = {};

  uint64_t MemoryUse() const;  // of this value, for a cache's budget
};

// `parts` in order (one for an unsplit file); `file_bytes` of all parts, 0 = as the tensors need.
// Errors: kInvalid when a key the architecture needs is missing or out of range (text names the
// key), kUnsupported "unknown architecture 'x'" when not even a bound can be given, or the file is
// a projector, adapter or vocabulary and not a language model.
Result<ModelFile> DescribeModel(const std::vector<GgufHeader>& parts, uint64_t file_bytes);

// An upper bound from the start of the (only) part and the size of the file, when there was no time
// for the rest: `header` needs the hyper-parameters, which stand before the vocabulary. Errors as
// DescribeModel, and kUnavailable when the hyper-parameters may not be complete.
Result<ModelFile> DescribePartial(const GgufHeader& header, uint64_t file_bytes);

// Names of all architectures with a rule, sorted.
std::vector<std::string> KnownArchitectures();

}  // namespace headroom::estimator

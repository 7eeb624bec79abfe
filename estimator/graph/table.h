// Tables of symbolic graphs: for one llama.cpp version and architecture, what its allocator sees
// when the worst-case graph of a context is reserved, with sizes as expressions over the model's
// hyper-parameters and the context. Made by estimator/tables/generate.py, format in its README.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "estimator/model.h"

namespace headroom::estimator {

// Context quantities that sizes grow with; the order is that of symbols.py.
inline constexpr uint32_t kQuantityCount = 33;

// `key` names a hyper-parameter (SymbolKey); the term is multiplied or divided by it.
struct SymbolFactor {
  uint64_t key = 0;
  bool divides = false;
};

// numerator / denominator x factors x quantity.
struct SymbolTerm {
  int64_t numerator = 0;
  int64_t denominator = 1;
  uint32_t quantity = 0;
  uint32_t first_factor = 0, factor_count = 0;  // in GraphTable::factors
};

struct SymbolExpression {  // the sum of its terms
  uint32_t first_term = 0, term_count = 0;
};

struct SymbolShape {
  static constexpr uint32_t kTypeK = 254, kTypeV = 255;  // the cache types of the context
  uint32_t type = 0;                                     // of ggml, or one of these
  bool strided = false;                                  // else contiguous
  std::array<uint32_t, 4> dims = {};                     // expressions
  std::array<uint32_t, 3> strides = {};                  // expressions, in elements
};

// What Metal adds to the bytes of a tensor (ggml_backend_metal_buffer_type_get_alloc_size).
enum class TensorKind : uint8_t { kPlain, kExperts, kDouble, kTopK, kFlash };

// Another tensor of the graph, seen from the one that refers to it: so many before it; number among
// the inputs of its layer; number from the first input; so many before the end of the inputs;
// number from the first tensor that is no input; number from the first one of the layer before, of
// the first layer of a kind, of the latest layer of a kind before this one.
struct TensorReference {
  enum class From : uint8_t {
    kHere,
    kOwnInput,
    kInput,
    kInputsEnd,
    kNode,
    kPrevious,
    kFirst,
    kLatest
  };
  From from = From::kHere;
  uint32_t number = 0;
  uint32_t kind = 0;  // in GraphTable::kinds, for the last two
};

// The next tensor is allocated (or takes over one of `parents` that ends here); then `uses` are
// read, and those that nothing uses later are released.
struct GraphToken {
  TensorKind kind = TensorKind::kPlain;
  bool host = false;
  uint32_t shape = 0;
  // By kind: kExperts experts, columns; kTopK shape of the source; kFlash shapes of Q, K, V, mask
  // (or kNothing), row strides of K and V, whether V is a view of K, rows of sparse attention.
  static constexpr uint32_t kNothing = UINT32_MAX;
  std::array<uint32_t, 8> extra = {};
  uint32_t first_parent = 0, parent_count = 0;  // in GraphTable::references
  uint32_t first_use = 0, use_count = 0;
};

// What a layer adds to the graph, in the context of its neighbours. Lists are in GraphTable::lists.
struct GraphLayer {
  std::vector<uint32_t> context = {};  // 2 x radius + 1 kinds: 4 x number in GraphTable::kinds, + 1
                                       // for the first layer of a kind, + 2 for the last; of a
                                       // whole graph the number of layers it serves, 0 for any
  uint32_t inputs = 0;  // list of tokens allocated before the first operation
  uint32_t tokens = 0;  // list of the others
};

struct SymbolicGraph {
  uint32_t before = 0, after = 0;  // lists of inputs before and after those of the layers
  bool whole = false;              // one list for all layers together, whatever their number
  uint32_t radius = 0;             // neighbours on each side that make up a context
  bool marked = false;             // contexts tell the first and last layers of a kind
  std::vector<GraphLayer> layers = {};
};

// How attention is computed and how slots share the cache: one list of graphs each.
struct GraphMode {
  enum class Attention : uint8_t {
    kF16,             // flash attention, K and V f16
    kQuantised,       // flash attention, K and V of one quantised type
    kF16QuantisedV,   // mixed types, V quantised: flash attention on the CPU
    kPlain,           // no flash attention
    kMixedQuantised,  // two quantised types: flash attention on the CPU
  } attention = Attention::kF16;
  enum class Slots : uint8_t {
    kOne,
    kUnified,  // several in one cache
    kApart,    // several, a stream of the cache each
    kBatch,    // one, with a row of logits for each token
  } slots = Slots::kOne;
  static constexpr uint32_t kSlotsCount = 4;
  friend bool operator==(const GraphMode&, const GraphMode&) = default;
};

struct GraphTable {
  bool same_structure = false;  // made for models like this one, else for another structure
  std::vector<SymbolFactor> factors = {};
  std::vector<SymbolTerm> terms = {};
  std::vector<SymbolExpression> expressions = {};
  std::vector<SymbolShape> shapes = {};
  std::vector<TensorReference> references = {};
  std::vector<GraphToken> tokens = {};
  std::vector<std::vector<uint32_t>> lists = {};  // of tokens
  std::vector<uint64_t> kinds =
      {};  // of layers (GraphStructure); 0: beyond the first or last layer
  std::vector<SymbolicGraph> graphs = {};  // of the mode that was asked for
};

// The hash that stands for the name of a hyper-parameter (FNV-1a).
constexpr uint64_t SymbolKey(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return hash;
}

// Decodes the graphs of one architecture and mode, of the given structure if there are any. Every
// number in the result refers to something that exists. Errors: kNotFound if the file has none,
// kInvalid (with the offset) if it is damaged.
Result<GraphTable> ReadGraphTable(std::string_view file, std::string_view architecture,
                                  const GraphStructure& structure, GraphMode mode);

}  // namespace headroom::estimator

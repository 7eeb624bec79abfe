#include "estimator/graph/symbols.h"

#include <algorithm>
#include <bit>
#include <map>
#include <optional>
#include <string>

#include "common/checked.h"

namespace headroom::estimator {
namespace {

// 2^31 keeps products of two of them, and of one with a context, within 64 bits.
constexpr uint64_t kLimit = INT32_MAX;

std::optional<uint64_t> Largest(const GgufArray& array) {
  if (array.ints.empty() || array.ints.size() != array.length) return std::nullopt;
  const int64_t largest = *std::max_element(array.ints.begin(), array.ints.end());
  if (largest < 0) return std::nullopt;
  return static_cast<uint64_t>(largest);
}

std::optional<uint64_t> Integer(const GgufValue& value) {
  if (value.type == GgufType::kBool) return std::nullopt;
  if (const GgufArray* array = value.AsArray()) {
    return array->element == GgufType::kBool ? std::nullopt : Largest(*array);
  }
  return value.AsUint();
}

class Names {
 public:
  explicit Names(std::map<std::string, uint64_t> values) : values_(std::move(values)) {}

  uint64_t Get(const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? 0 : found->second;
  }
  void Default(const std::string& name, uint64_t value) { values_.try_emplace(name, value); }

  // The Hadamard step of a quantised cache works on the power of two in the head size.
  void SplitPowerOfTwo(const std::string& name) {
    const uint64_t value = Get(name);
    if (value == 0 || value % 64 != 0) return;
    const uint64_t power = uint64_t{1} << std::countr_zero(value);
    Default("pow2:" + name, power);
    Default("odd:" + name, value / power);
  }

  std::vector<ModelSymbol> Sorted() const {
    std::vector<ModelSymbol> out;
    for (const auto& [name, value] : values_) {
      if (value <= kLimit) out.push_back({SymbolKey(name), value});
    }
    std::ranges::sort(out, {}, &ModelSymbol::key);
    return out;
  }

 private:
  std::map<std::string, uint64_t> values_;
};

uint64_t OrOne(const ModelFile& model, std::string_view name) {
  const uint64_t* value = FindSymbol(model.symbols, SymbolKey(name));
  return value == nullptr || *value == 0 ? 1 : *value;
}

uint64_t ConvKernel(const ModelFile& model) {
  const uint64_t* kernel = FindSymbol(model.symbols, SymbolKey("ssm.conv_kernel"));
  return kernel != nullptr ? std::max<uint64_t>(*kernel, 1) : OrOne(model, "shortconv.l_cache");
}

}  // namespace

std::vector<ModelSymbol> CollectSymbols(const GgufHeader& header, const std::string& architecture,
                                        uint64_t vocabulary) {
  const std::string prefix = architecture + ".";
  std::map<std::string, uint64_t> values;
  for (auto it = header.metadata.lower_bound(prefix);
       it != header.metadata.end() && it->first.starts_with(prefix); ++it) {
    if (const auto value = Integer(it->second)) values[it->first.substr(prefix.size())] = *value;
  }
  values["vocab_size"] = vocabulary;
  Names names(std::move(values));
  const uint64_t embedding = names.Get("embedding_length");
  if (const uint64_t heads = names.Get("attention.head_count")) {
    names.Default("attention.head_count_kv", heads);
    names.Default("attention.key_length", embedding / heads);
    names.Default("attention.value_length", embedding / heads);
  }
  names.SplitPowerOfTwo("attention.key_length");
  names.SplitPowerOfTwo("attention.indexer.key_length");
  if (architecture == "plamo2") names.Default("dt_rank", std::max<uint64_t>(64, embedding / 16));
  if (const uint64_t head = names.Get("wkv.head_size"))
    names.Default("wkv_heads", embedding / head);
  return names.Sorted();
}

const uint64_t* FindSymbol(const std::vector<ModelSymbol>& symbols, uint64_t key) {
  const auto found = std::ranges::lower_bound(symbols, key, {}, &ModelSymbol::key);
  return found == symbols.end() || found->key != key ? nullptr : &found->value;
}

std::array<uint64_t, kQuantityCount> Quantities(const ModelFile& model, const Shape& shape) {
  const uint64_t tokens = shape.tokens, cells = shape.cells, window = shape.window_cells;
  const uint64_t slots = shape.slots, streams = shape.streams;
  const uint64_t each = tokens / slots, per_stream = tokens / streams;
  const uint64_t conv = ConvKernel(model);
  const uint64_t quarter = PadUp(CeilDiv(cells, 4), 256);
  const uint64_t hundredth = PadUp(CeilDiv(cells, 128), 256);
  const uint64_t* top_k = FindSymbol(model.symbols, SymbolKey("attention.indexer.top_k"));
  const uint64_t* pool_size = FindSymbol(model.symbols, SymbolKey("attention.indexer.kpool"));
  const uint64_t pooled = CeilDiv(cells, pool_size == nullptr || *pool_size == 0 ? 4 : *pool_size);
  return {1,
          tokens,
          cells,
          window,
          slots,
          streams,
          std::min(shape.outputs, tokens),
          each,
          per_stream,
          cells * streams,
          window * streams,
          cells * tokens,
          cells * per_stream,
          window * tokens,
          tokens * tokens,
          each * each * slots,
          tokens * slots,
          tokens + slots,
          each + conv - 1,
          tokens + (conv - 1) * slots,
          each + 1,
          tokens + 1,
          std::min(top_k == nullptr ? 0 : *top_k, cells),
          quarter,
          hundredth,
          quarter + window,
          hundredth + window,
          CeilDiv(cells, OrOne(model, "attention.indexer.block_size")),
          pooled,
          CeilDiv(each, 64),
          PadUp(each, 64),
          window * per_stream,
          pooled * slots};
}

}  // namespace headroom::estimator

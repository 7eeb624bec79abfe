#include "estimator/graph/sizes.h"

#include <algorithm>
#include <optional>

#include "common/checked.h"
#include "estimator/graph/symbols.h"

namespace headroom::estimator {
namespace {

// Far above any tensor; offsets in a graph of kMostTensors of them stay within 63 bits.
constexpr uint64_t kMostBytes = uint64_t{1} << 44;

class Evaluator {
 public:
  Evaluator(const GraphTable& table, const ModelFile& model, const Shape& shape)
      : table_(table), model_(model), shape_(shape), quantities_(Quantities(model, shape)) {}

  Result<GraphSizes> Run() {
    GraphSizes out;
    for (const SymbolExpression& expression : table_.expressions) {
      values_.push_back(Value(expression));
    }
    out.shapes.reserve(table_.shapes.size());
    for (const SymbolShape& shape : table_.shapes) out.shapes.push_back(Layout(shape));
    out.tokens.reserve(table_.tokens.size());
    for (const GraphToken& token : table_.tokens) {
      out.tokens.push_back(Product(Bytes(token, out.shapes), 1));
    }
    if (!error_) return out;
    return *error_;
  }

 private:
  uint64_t Fail(const char* what) {
    if (!error_) error_ = Error(Code::kUnsupported, std::string("graph table: ") + what);
    return 0;
  }

  uint64_t Product(uint64_t a, uint64_t b) {
    const auto product = CheckedMul(a, b);
    return product && *product <= kMostBytes ? *product : Fail("a size is out of range");
  }

  uint64_t Value(const SymbolExpression& expression) {
    int64_t sum = 0;
    for (uint32_t i = 0; i < expression.term_count; ++i) {
      sum += Value(table_.terms[expression.first_term + i]);
    }
    return sum >= 0 ? static_cast<uint64_t>(sum) : Fail("a size is negative");
  }

  int64_t Value(const SymbolTerm& term) {
    const bool negative = term.numerator < 0;
    uint64_t value = static_cast<uint64_t>(negative ? -term.numerator : term.numerator);
    uint64_t divisor = static_cast<uint64_t>(term.denominator);
    value = Product(value, quantities_[term.quantity]);
    for (uint32_t i = 0; i < term.factor_count; ++i) {
      const SymbolFactor& factor = table_.factors[term.first_factor + i];
      const uint64_t* known = FindSymbol(model_.symbols, factor.key);
      const uint64_t number = known == nullptr ? Fail("the model lacks a number") : *known;
      (factor.divides ? divisor : value) = Product(factor.divides ? divisor : value, number);
    }
    if (divisor == 0 || value % divisor != 0)
      return static_cast<int64_t>(Fail("a size is no whole number"));
    const auto whole = static_cast<int64_t>(value / divisor);
    return negative ? -whole : whole;
  }

  const GgmlType* Type(uint32_t type) {
    if (type == SymbolShape::kTypeK) return shape_.k;
    if (type == SymbolShape::kTypeV) return shape_.v;
    return FindGgmlType(type);
  }

  TensorLayout Layout(const SymbolShape& shape) {
    TensorLayout out;
    out.type = Type(shape.type);
    if (out.type == nullptr) {
      Fail("unknown tensor type");
      return out;
    }
    for (size_t i = 0; i < 4; ++i) out.dims[i] = values_[shape.dims[i]];
    if (shape.strided) {
      for (size_t i = 0; i < 3; ++i) out.strides[i] = Stride(*out.type, values_[shape.strides[i]]);
      out.bytes = StridedBytes(out);
      return out;
    }
    const auto row = RowBytes(*out.type, out.dims[0]);
    if (!row) Fail("a row is no whole number of blocks");
    out.strides[0] = row.value_or(0);
    for (size_t i = 1; i < 3; ++i) out.strides[i] = Product(out.strides[i - 1], out.dims[i]);
    out.bytes = Product(out.strides[2], out.dims[3]);
    return out;
  }

  uint64_t Stride(const GgmlType& type, uint64_t elements) {
    return Product(elements, type.block_bytes) / type.block_elements;
  }

  // ggml_nbytes()
  uint64_t StridedBytes(const TensorLayout& layout) {
    if (std::ranges::find(layout.dims, 0u) != layout.dims.end()) return 0;
    const GgmlType& type = *layout.type;
    uint64_t bytes = type.block_elements == 1
                         ? type.block_bytes + Product(layout.dims[0] - 1, type.block_bytes)
                         : Stride(type, layout.dims[0]);
    for (size_t i = 0; i < 3; ++i) bytes += Product(layout.dims[i + 1] - 1, layout.strides[i]);
    return bytes;
  }

  uint64_t Bytes(const GraphToken& token, const std::vector<TensorLayout>& shapes) {
    const uint64_t bytes = shapes[token.shape].bytes;
    switch (token.kind) {
      case TensorKind::kPlain: return bytes;
      case TensorKind::kDouble: return 2 * bytes;
      case TensorKind::kExperts: return bytes + ExpertBytes(token);
      case TensorKind::kTopK: return TopKBytes(token, shapes);
      case TensorKind::kFlash: return bytes + FlashBytes(token, shapes);
    }
    return bytes;
  }

  uint64_t Optional(uint32_t expression) {
    return expression == GraphToken::kNothing ? 0 : values_[expression];
  }

  // ggml_metal_op_mul_mat_id_extra_tpe, _ids and _amax: tokens of each expert, their ids, and room
  // for 256 maxima.
  uint64_t ExpertBytes(const GraphToken& token) {
    const uint64_t experts = Optional(token.extra[0]), columns = Optional(token.extra[1]);
    return Product(4 * experts, 1 + columns) + 8 + 4 * 256;
  }

  uint64_t TopKBytes(const GraphToken& token, const std::vector<TensorLayout>& shapes) {
    if (token.extra[0] == GraphToken::kNothing) return Fail("TOP_K without a source");
    uint64_t bytes = 8;
    for (const uint64_t dim : shapes[token.extra[0]].dims) bytes = Product(bytes, dim);
    return bytes;
  }

  uint64_t FlashBytes(const GraphToken& token, const std::vector<TensorLayout>& shapes);

  const GraphTable& table_;
  const ModelFile& model_;
  const Shape& shape_;
  std::array<uint64_t, kQuantityCount> quantities_;
  std::vector<uint64_t> values_;  // of the expressions
  std::optional<Error> error_;
};

// Types that Metal's flash attention turns to f16 before it starts (use_kv_f16).
bool IsDequantised(const GgmlType& type) {
  constexpr std::string_view kNames[] = {"q4_0", "q4_1", "q5_0", "q5_1", "q8_0"};
  return std::ranges::find(kNames, type.name) != std::end(kNames);
}

// Head sizes with a kernel for sparse attention (n_kv_max_sparse).
bool HasSparseKernel(uint64_t k, uint64_t v) {
  constexpr std::pair<uint64_t, uint64_t> kSizes[] = {
      {32, 32},   {64, 64},   {96, 96},   {96, 64},   {128, 128}, {192, 128},
      {192, 192}, {256, 256}, {320, 256}, {512, 512}, {576, 512}};
  return std::ranges::find(kSizes, std::pair(k, v)) != std::end(kSizes);
}

// ggml_metal_op_flash_attn_ext_extra_pad, _blk, _tmp, _kv_f16 and _idx.
uint64_t Evaluator::FlashBytes(const GraphToken& token, const std::vector<TensorLayout>& shapes) {
  for (size_t i = 0; i < 3; ++i) {
    if (token.extra[i] == GraphToken::kNothing) return Fail("flash attention without Q, K and V");
  }
  const TensorLayout& q = shapes[token.extra[0]];
  const TensorLayout& k = shapes[token.extra[1]];
  const TensorLayout& v = shapes[token.extra[2]];
  if (q.type == nullptr || k.type == nullptr || v.type == nullptr) return 0;
  const bool v_in_k = token.extra[6] != 0;
  const bool f16 = q.dims[1] >= 32 && IsDequantised(*k.type);
  const uint64_t k_row = f16 ? 2 * k.dims[0] : Stride(*k.type, Optional(token.extra[4]));
  const uint64_t v_row =
      f16 ? 2 * (v_in_k ? k.dims[0] : v.dims[0]) : Stride(*v.type, Optional(token.extra[5]));
  uint64_t pad =
      Product(k_row, Product(k.dims[2], k.dims[3])) + Product(v_row, Product(v.dims[2], v.dims[3]));
  uint64_t blocks = 0, indices = 0;
  if (token.extra[3] != GraphToken::kNothing) {
    const TensorLayout& mask = shapes[token.extra[3]];
    const uint64_t rows = Product(mask.dims[2], mask.dims[3]);
    const bool vector = q.dims[1] < 20 && q.dims[0] % 32 == 0;
    pad += Product(2 * mask.dims[1], rows);
    blocks = PadUp(Product(Product(CeilDiv(q.dims[1], vector ? 1 : 8),
                                   CeilDiv(mask.dims[0], vector ? 32 : 64)),
                           rows),
                   32);
    const uint64_t most = Optional(token.extra[7]);
    if (most > 0 && most <= 4096 && HasSparseKernel(k.dims[0], v.dims[0])) {
      indices = PadUp(Product(4 * PadUp(most, 32), Product(mask.dims[1], rows)), 16);
    }
  }
  const uint64_t partial =
      Product(Product(4 * std::min<uint64_t>(q.dims[1], 32) * 32, Product(q.dims[2], q.dims[3])),
              v.dims[0] + 2);
  const auto all = [this](const TensorLayout& t) {
    return PadUp(Product(Product(2 * t.dims[0], t.dims[1]), Product(t.dims[2], t.dims[3])), 16);
  };
  return 64 * pad + blocks + partial + all(k) + (v_in_k ? 0 : all(v)) + indices;
}

}  // namespace

Result<GraphSizes> EvaluateSizes(const GraphTable& table, const ModelFile& model,
                                 const Shape& shape) {
  return Evaluator(table, model, shape).Run();
}

}  // namespace headroom::estimator

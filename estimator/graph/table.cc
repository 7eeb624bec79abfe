#include "estimator/graph/table.h"

#include <algorithm>

namespace headroom::estimator {
namespace {

constexpr uint32_t kMostRadius = 8, kMostKinds = 4096, kMostLayers = 4096;
constexpr std::string_view kMagic = "HRGRAPH2";

// Takes numbers off the front; after the first error all of them are 0.
class Bytes {
 public:
  explicit Bytes(std::string_view all) : all_(all) {}

  uint64_t Number() {
    uint64_t out = 0;
    for (int shift = 0; shift < 63; shift += 7) {
      if (at_ >= all_.size()) return Fail();
      const auto byte = static_cast<uint8_t>(all_[at_++]);
      out |= uint64_t{byte & 127u} << shift;
      if (byte < 128) return out;
    }
    return Fail();
  }
  int64_t Signed() {
    const uint64_t n = Number();
    return n & 1 ? -static_cast<int64_t>(n >> 1) - 1 : static_cast<int64_t>(n >> 1);
  }
  uint64_t Fixed() {
    uint64_t out = 0;
    const std::string_view raw = Text(8);
    for (size_t i = 0; i < raw.size(); ++i) {
      out |= uint64_t{static_cast<uint8_t>(raw[i])} << 8 * i;
    }
    return out;
  }
  // A number below `limit`.
  uint32_t Below(uint64_t limit) {
    const uint64_t n = Number();
    return static_cast<uint32_t>(n < limit ? n : Fail());
  }
  // How many things follow; each takes at least a byte, which bounds what is allocated for them.
  uint32_t Count() { return Below(all_.size() - at_ + 1); }
  std::string_view Text(uint64_t length) {
    if (length > all_.size() - at_) {
      Fail();
      return {};
    }
    at_ += length;
    return all_.substr(at_ - length, length);
  }
  bool failed() const { return failed_; }
  size_t at() const { return at_; }

 private:
  uint64_t Fail() {
    failed_ = true;
    at_ = all_.size();
    return 0;
  }

  std::string_view all_;
  size_t at_ = 0;
  bool failed_ = false;
};

struct Directory {
  std::vector<uint64_t> keys;   // of the names that expressions use
  std::string_view graphs;      // of the structure, else of another one of the architecture
  std::vector<uint64_t> kinds;  // as GraphTable::kinds
  bool same_structure = false;
};

Error Damaged(const Bytes& in) {
  return Error(Code::kInvalid, "graph table is damaged at byte " + std::to_string(in.at()));
}

bool KnowsAll(const std::vector<uint64_t>& kinds, const std::vector<uint64_t>& layers) {
  return std::ranges::all_of(
      layers, [&kinds](uint64_t layer) { return std::ranges::find(kinds, layer) != kinds.end(); });
}

Result<Directory> FindArchitecture(std::string_view file, std::string_view name,
                                   const GraphStructure& structure) {
  Bytes in(file);
  if (in.Text(kMagic.size()) != kMagic) return Damaged(in);
  in.Text(in.Count());  // version
  Directory out;
  out.keys.resize(in.Count());
  for (uint64_t& key : out.keys) key = SymbolKey(in.Text(in.Count()));
  for (uint32_t left = in.Count(); left > 0 && !in.failed(); --left) {
    const std::string_view found = in.Text(in.Count());
    std::vector<uint64_t> kinds(1 + in.Count());
    const uint64_t whole = in.Fixed();
    for (size_t i = 1; i < kinds.size(); ++i) kinds[i] = in.Fixed();
    const std::string_view block = in.Text(in.Number());
    if (in.failed() || found != name) continue;
    out.same_structure = whole == structure.whole && KnowsAll(kinds, structure.layers);
    if (out.same_structure || out.graphs.empty()) {
      out.graphs = block;
      out.kinds = std::move(kinds);
    }
    if (out.same_structure) return out;
  }
  if (in.failed()) return Damaged(in);
  if (!out.graphs.empty()) return out;
  return Error(Code::kNotFound, "no graphs of architecture '" + std::string(name) + "'");
}

class Decoder {
 public:
  explicit Decoder(const Directory& directory) : keys_(directory.keys), in_(directory.graphs) {
    out_.kinds = directory.kinds;
  }

  Result<GraphTable> Run(GraphMode mode) {
    Repeat([this] { Expression(); });
    Repeat([this] { Shape(); });
    Repeat([this] { Token(); });
    Repeat([this] { List(); });
    std::vector<SymbolicGraph> graphs;
    Repeat([this, &graphs] { graphs.push_back(Graph()); });
    const auto wanted = static_cast<uint32_t>(mode.attention) * GraphMode::kSlotsCount +
                        static_cast<uint32_t>(mode.slots);
    Repeat([this, &graphs, wanted] {
      const bool match = in_.Number() == wanted;
      Repeat([this, &graphs, match] {
        const uint32_t number = in_.Below(graphs.size());
        if (match && !in_.failed()) out_.graphs.push_back(graphs[number]);
      });
    });
    if (in_.failed()) return Damaged(in_);
    if (out_.graphs.empty()) return Error(Code::kNotFound, "no graphs of this configuration");
    return std::move(out_);
  }

 private:
  template <class Each>
  uint32_t Repeat(Each each) {
    const uint32_t count = in_.Count();
    for (uint32_t i = 0; i < count && !in_.failed(); ++i) each();
    return count;
  }

  void Expression() {
    SymbolExpression expression{static_cast<uint32_t>(out_.terms.size()), 0};
    expression.term_count = Repeat([this] {
      SymbolTerm term;
      term.numerator = in_.Signed();
      term.denominator = in_.Below(1u << 20);
      term.quantity = in_.Below(kQuantityCount);
      term.first_factor = static_cast<uint32_t>(out_.factors.size());
      term.factor_count = Repeat([this] {
        const uint32_t n = in_.Below(2 * keys_.size());
        if (!in_.failed()) out_.factors.push_back({keys_[n >> 1], (n & 1) != 0});
      });
      out_.terms.push_back(term);
    });
    out_.expressions.push_back(expression);
  }

  uint32_t ExpressionNumber() { return in_.Below(out_.expressions.size()); }

  void Shape() {
    SymbolShape shape;
    const uint32_t head = in_.Below(512);
    shape.type = head >> 1;
    shape.strided = (head & 1) != 0;
    for (uint32_t& dim : shape.dims) dim = ExpressionNumber();
    if (shape.strided) {
      for (uint32_t& stride : shape.strides) stride = ExpressionNumber();
    }
    out_.shapes.push_back(shape);
  }

  uint32_t Optional(size_t count) { return in_.Below(count + 1) - 1; }  // 0 is kNothing

  void Extra(GraphToken& token) {
    const size_t shapes = out_.shapes.size(), expressions = out_.expressions.size();
    switch (token.kind) {
      case TensorKind::kPlain:
      case TensorKind::kDouble: return;
      case TensorKind::kExperts:
        token.extra[0] = Optional(expressions);
        token.extra[1] = Optional(expressions);
        return;
      case TensorKind::kTopK: token.extra[0] = Optional(shapes); return;
      case TensorKind::kFlash: break;
    }
    for (size_t i = 0; i < 4; ++i) token.extra[i] = Optional(shapes);
    token.extra[4] = Optional(expressions);
    token.extra[5] = Optional(expressions);
    token.extra[6] = in_.Below(2);
    token.extra[7] = Optional(expressions);
  }

  uint32_t References() {
    return Repeat([this] {
      using From = TensorReference::From;
      const uint64_t n = in_.Below(uint64_t{1} << 32);
      const auto from = static_cast<From>(n & 7);
      const bool has_kind = from == From::kFirst || from == From::kLatest;
      out_.references.push_back(
          {from, static_cast<uint32_t>(n >> 3), has_kind ? in_.Below(kMostKinds) : 0});
    });
  }

  void Token() {
    GraphToken token;
    const uint32_t head = in_.Below(10);
    token.kind = static_cast<TensorKind>(head >> 1);
    token.host = (head & 1) != 0;
    token.shape = in_.Below(out_.shapes.size());
    Extra(token);
    token.first_parent = static_cast<uint32_t>(out_.references.size());
    token.parent_count = References();
    token.first_use = static_cast<uint32_t>(out_.references.size());
    token.use_count = References();
    out_.tokens.push_back(token);
  }

  void List() {
    std::vector<uint32_t> list;
    Repeat([this, &list] { list.push_back(in_.Below(out_.tokens.size())); });
    out_.lists.push_back(std::move(list));
  }

  SymbolicGraph Graph() {
    SymbolicGraph graph;
    const auto list = [this] { return in_.Below(out_.lists.size()); };
    graph.before = list();
    graph.after = list();
    const uint32_t head = in_.Below(2 * kMostRadius + 4);
    graph.whole = head < 2;
    graph.radius = graph.whole ? 0 : (head >> 1) - 1;
    graph.marked = (head & 1) != 0;
    Repeat([this, &graph, &list] {
      GraphLayer layer;
      const size_t limit = graph.whole ? kMostLayers : 4 * out_.kinds.size();
      for (uint32_t i = 0; i < 2 * graph.radius + 1; ++i) {
        layer.context.push_back(in_.Below(limit));
      }
      layer.inputs = list();
      layer.tokens = list();
      graph.layers.push_back(std::move(layer));
    });
    return graph;
  }

  const std::vector<uint64_t>& keys_;
  Bytes in_;
  GraphTable out_;
};

}  // namespace

Result<GraphTable> ReadGraphTable(std::string_view file, std::string_view architecture,
                                  const GraphStructure& structure, GraphMode mode) {
  const auto directory = FindArchitecture(file, architecture, structure);
  if (!directory) return directory.error();
  auto table = Decoder(*directory).Run(mode);
  if (table) table->same_structure = directory->same_structure;
  return table;
}

}  // namespace headroom::estimator

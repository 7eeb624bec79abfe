#include "estimator/graph/unfold.h"

#include <algorithm>

namespace headroom::estimator {
namespace {

// No graph that llama.cpp builds is larger.
constexpr size_t kMostTensors = 1u << 18;
constexpr uint32_t kNowhere = UINT32_MAX;

// Numbers in `table.kinds` of the model's layers; table.kinds.size() for kinds it does not know.
std::vector<uint32_t> KindsOf(const GraphTable& table, const GraphStructure& structure) {
  std::vector<uint32_t> out;
  for (const uint64_t kind : structure.layers) {
    const auto found = std::ranges::find(table.kinds, kind);
    out.push_back(static_cast<uint32_t>(found - table.kinds.begin()));
  }
  return out;
}

// The names of kinds in GraphLayer::context.
std::vector<uint32_t> ContextNames(const std::vector<uint32_t>& kinds, bool marked) {
  std::vector<uint32_t> names;
  for (size_t i = 0; i < kinds.size(); ++i) {
    const auto here = kinds.begin() + static_cast<ptrdiff_t>(i);
    const bool first = std::find(kinds.begin(), here, *here) == here;
    const bool last = std::find(here + 1, kinds.end(), *here) == kinds.end();
    names.push_back(4 * *here + (marked ? (first ? 1 : 0) + (last ? 2 : 0) : 0));
  }
  return names;
}

bool StandsIn(const GraphLayer& candidate, const std::vector<uint32_t>& names, size_t layer,
              uint32_t radius) {
  for (size_t i = 0; i < candidate.context.size(); ++i) {
    const size_t at = layer + i - radius;  // below 0 it wraps around: beyond the last, too
    if (candidate.context[i] != (at < names.size() ? names[at] : 0)) return false;
  }
  return true;
}

struct PlacedLayer {
  const GraphLayer* layer = nullptr;
  uint32_t kind = 0;
};

class Unfolder {
 public:
  Unfolder(const GraphTable& table, const SymbolicGraph& graph)
      : table_(table),
        graph_(graph),
        first_of_kind_(table.kinds.size(), kNowhere),
        latest_of_kind_(table.kinds.size(), kNowhere) {}

  bool Run(const std::vector<PlacedLayer>& layers) {
    bool fits = Append(graph_.before);
    std::vector<uint32_t> own_inputs;
    for (const PlacedLayer& placed : layers) {
      own_inputs.push_back(Count());
      fits = fits && Append(placed.layer->inputs);
    }
    fits = fits && Append(graph_.after);
    inputs_ = previous_ = Count();
    for (size_t i = 0; i < layers.size() && fits; ++i) {
      own_inputs_ = own_inputs[i];
      const uint32_t start = Count();
      fits = Append(layers[i].layer->tokens);
      previous_ = start;
      uint32_t& first = first_of_kind_[layers[i].kind];
      first = std::min(first, start);
      latest_of_kind_[layers[i].kind] = start;
    }
    return fits;
  }

  UnfoldedGraph Take() { return std::move(out_); }

 private:
  uint32_t Count() const { return static_cast<uint32_t>(out_.tensors.size()); }

  bool Append(uint32_t list) {
    for (const uint32_t number : table_.lists[list]) {
      const GraphToken& token = table_.tokens[number];
      UnfoldedTensor tensor{.token = number};
      tensor.first_parent = static_cast<uint32_t>(out_.references.size());
      tensor.parent_count = token.parent_count;
      if (!AppendReferences(token.first_parent, token.parent_count)) return false;
      tensor.first_use = static_cast<uint32_t>(out_.references.size());
      tensor.use_count = token.use_count;
      if (!AppendReferences(token.first_use, token.use_count)) return false;
      if (out_.tensors.size() >= kMostTensors) return false;
      out_.tensors.push_back(tensor);
    }
    return true;
  }

  // Of the tensor that is appended next; a use may be of itself, when nothing else uses it.
  bool AppendReferences(uint32_t first, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
      const uint64_t target = Resolve(table_.references[first + i]);
      if (target > Count()) return false;
      out_.references.push_back(static_cast<uint32_t>(target));
    }
    return true;
  }

  uint64_t Resolve(const TensorReference& reference) const {
    const uint64_t n = reference.number;
    switch (reference.from) {
      case TensorReference::From::kHere: return Count() - n;  // wraps around if there is none
      case TensorReference::From::kOwnInput: return own_inputs_ + n;
      case TensorReference::From::kInput: return n;
      case TensorReference::From::kInputsEnd: return inputs_ - n;
      case TensorReference::From::kNode: return inputs_ + n;
      case TensorReference::From::kPrevious: return previous_ + n;
      case TensorReference::From::kFirst: return OfKind(first_of_kind_, reference.kind) + n;
      case TensorReference::From::kLatest: return OfKind(latest_of_kind_, reference.kind) + n;
    }
    return UINT64_MAX;
  }

  static uint64_t OfKind(const std::vector<uint32_t>& starts, uint32_t kind) {
    return kind < starts.size() ? starts[kind] : kNowhere;
  }

  const GraphTable& table_;
  const SymbolicGraph& graph_;
  std::vector<uint32_t> first_of_kind_, latest_of_kind_;  // where these layers begin
  uint64_t inputs_ = 0, own_inputs_ = 0, previous_ = 0;
  UnfoldedGraph out_;
};

// The layer of a whole graph stands for all; it serves models with the same kinds of layers.
std::vector<PlacedLayer> WholeGraph(const GraphTable& table, const SymbolicGraph& graph,
                                    const std::vector<uint32_t>& kinds, bool& complete) {
  for (uint32_t kind = 1; kind < table.kinds.size(); ++kind) {
    complete = complete && std::ranges::find(kinds, kind) != kinds.end();
  }
  complete = complete && std::ranges::find(kinds, table.kinds.size()) == kinds.end();
  if (graph.layers.empty()) return {};
  const GraphLayer& all = graph.layers.front();
  const uint32_t only = all.context.front();
  complete = complete && (only == 0 || only == kinds.size());
  return {{&all, 0}};
}

std::vector<PlacedLayer> ByContext(const SymbolicGraph& graph, const std::vector<uint32_t>& kinds,
                                   bool& complete) {
  const std::vector<uint32_t> names = ContextNames(kinds, graph.marked);
  std::vector<PlacedLayer> out;
  for (size_t i = 0; i < kinds.size(); ++i) {
    const auto found = std::ranges::find_if(graph.layers, [&](const GraphLayer& candidate) {
      return StandsIn(candidate, names, i, graph.radius);
    });
    if (found == graph.layers.end()) {
      complete = false;
    } else {
      out.push_back({&*found, kinds[i]});
    }
  }
  return out;
}

}  // namespace

Result<UnfoldedGraph> Unfold(const GraphTable& table, const SymbolicGraph& graph,
                             const GraphStructure& structure) {
  const std::vector<uint32_t> kinds = KindsOf(table, structure);
  bool complete = true;
  const auto layers =
      graph.whole ? WholeGraph(table, graph, kinds, complete) : ByContext(graph, kinds, complete);
  Unfolder unfolder(table, graph);
  if (layers.empty() || !unfolder.Run(layers)) {
    return Error(Code::kUnsupported, "graph table: its layers are not those of the model");
  }
  UnfoldedGraph out = unfolder.Take();
  out.complete = complete;
  return out;
}

}  // namespace headroom::estimator

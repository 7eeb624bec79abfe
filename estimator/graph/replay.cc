#include "estimator/graph/replay.h"

#include <algorithm>

#include "common/checked.h"
#include "estimator/graph/arena.h"
#include "estimator/graph/sizes.h"

namespace headroom::estimator {
namespace {

// No graph that llama.cpp builds is larger.
constexpr size_t kMostTensors = 1u << 18;

struct Tensor {
  uint32_t token = 0;
  uint32_t period = 0;  // the repetition it belongs to
  bool owned = false;
  bool host = false;
  uint64_t offset = 0;
};

class Replay {
 public:
  Replay(const GraphTable& table, const SymbolicGraph& graph, const GraphSizes& sizes)
      : table_(table), graph_(graph), sizes_(sizes) {}

  // `periods`: how often the sections of a period of layers are repeated.
  Result<ComputeBytes> Run(uint64_t periods) {
    for (const GraphSection& section : graph_.sections) {
      const uint64_t times = section.per_period ? periods : 1;
      if (section.tokens.size() * times > kMostTensors - tensors_.size()) return Misfit();
      if (section.per_period && section.inputs) {
        period_inputs_ = section.tokens.size();
        first_period_input_ = tensors_.size();
      }
      for (uint32_t period = 0; period < times; ++period) {
        for (const uint32_t token : section.tokens) tensors_.push_back({token, period});
      }
      if (section.inputs) inputs_ = tensors_.size();
    }
    for (size_t i = 0; i < tensors_.size(); ++i) {
      if (!Step(i)) return Misfit();
    }
    return ComputeBytes{device_.peak(), host_.peak()};
  }

 private:
  static Error Misfit() {
    return Error(Code::kUnsupported, "graph table: a reference leaves the graph");
  }

  // SIZE_MAX if there is no such tensor.
  size_t Resolve(const TensorReference& reference, size_t here) const {
    const size_t n = reference.number;
    switch (reference.from) {
      case TensorReference::From::kHere: return here - n;
      case TensorReference::From::kStart: return n;
      case TensorReference::From::kInputsEnd: return inputs_ - n;
      case TensorReference::From::kPeriod:
        return first_period_input_ + n + tensors_[here].period * period_inputs_;
    }
    return SIZE_MAX;
  }

  const TensorLayout& Layout(const Tensor& tensor) const {
    return sizes_.shapes[table_.tokens[tensor.token].shape];
  }
  Arena& ArenaOf(const Tensor& tensor) { return tensor.host ? host_ : device_; }
  uint64_t Size(const Tensor& tensor) const { return sizes_.tokens[tensor.token]; }

  // ggml_gallocr_allocate_node(), then ggml_gallocr_free_node() for all that was last used here.
  bool Step(size_t here) {
    Tensor& tensor = tensors_[here];
    const GraphToken& token = table_.tokens[tensor.token];
    tensor.owned = true;
    if (!TakeOver(here, token)) {
      tensor.host = token.host;
      tensor.offset = ArenaOf(tensor).Allocate(Size(tensor));
    }
    for (uint32_t i = 0; i < token.free_count; ++i) {
      const size_t freed = Resolve(table_.references[token.first_free + i], here);
      if (freed > here) return false;
      Tensor& last = tensors_[freed];
      if (!last.owned) continue;  // its memory was taken over
      ArenaOf(last).Release(last.offset, Size(last));
      last.owned = false;
    }
    return true;
  }

  // The first parent that ends here and has the same layout gives its memory, less what is not
  // needed.
  bool TakeOver(size_t here, const GraphToken& token) {
    Tensor& tensor = tensors_[here];
    for (uint32_t i = 0; i < token.parent_count; ++i) {
      const size_t from = Resolve(table_.references[token.first_parent + i], here);
      if (from >= here || !tensors_[from].owned) continue;
      Tensor& parent = tensors_[from];
      if (!Layout(tensor).SameAs(Layout(parent))) continue;
      tensor.host = parent.host;
      tensor.offset = parent.offset;
      parent.owned = false;
      const uint64_t had = Arena::Pad(Size(parent)), has = Arena::Pad(Size(tensor));
      if (had > has) ArenaOf(tensor).Release(tensor.offset + has, had - has);
      return true;
    }
    return false;
  }

  const GraphTable& table_;
  const SymbolicGraph& graph_;
  const GraphSizes& sizes_;
  std::vector<Tensor> tensors_;
  size_t inputs_ = 0, first_period_input_ = 0, period_inputs_ = 0;
  Arena device_, host_;
};

bool Fits(const SymbolicGraph& graph, uint64_t layers) {
  return graph.period == 0 ||
         (layers >= graph.layers && (layers - graph.layers) % graph.period == 0);
}

// How many periods of layers lie beyond those of the graph itself.
uint64_t Periods(const SymbolicGraph& graph, uint64_t layers) {
  if (graph.period == 0 || layers <= graph.layers) return 0;
  return CeilDiv(layers - graph.layers, graph.period);
}

}  // namespace

Result<ReplayedCompute> ReplayGraphs(const GraphTable& table, const ModelFile& model,
                                     const Shape& shape) {
  const auto sizes = EvaluateSizes(table, model, shape);
  if (!sizes) return sizes.error();
  const uint64_t layers = model.layers.size();
  const bool fits = std::ranges::any_of(
      table.graphs, [layers](const SymbolicGraph& graph) { return Fits(graph, layers); });
  ReplayedCompute out;
  out.exact = fits && table.same_structure;
  for (const SymbolicGraph& graph : table.graphs) {
    if (fits && !Fits(graph, layers)) continue;
    const auto peaks = Replay(table, graph, *sizes).Run(Periods(graph, layers));
    if (!peaks) return peaks.error();
    out.bytes.device = std::max(out.bytes.device, peaks->device);
    out.bytes.host = std::max(out.bytes.host, peaks->host);
  }
  return out;
}

}  // namespace headroom::estimator

#include "estimator/graph/replay.h"

#include <algorithm>
#include <span>

#include "common/checked.h"
#include "estimator/graph/arena.h"
#include "estimator/graph/sizes.h"
#include "estimator/graph/unfold.h"

namespace headroom::estimator {
namespace {

struct Memory {
  uint32_t last_use = 0;  // number of a tensor; 0: it is never freed
  bool owned = false;
  bool host = false;
  uint64_t offset = 0;
};

class Replay {
 public:
  Replay(const GraphTable& table, const UnfoldedGraph& graph, const GraphSizes& sizes)
      : table_(table), graph_(graph), sizes_(sizes), memory_(graph.tensors.size()) {}

  ComputeBytes Run() {
    for (uint32_t i = 0; i < memory_.size(); ++i) {
      for (const uint32_t used : Uses(i)) memory_[used].last_use = i;
    }
    for (uint32_t i = 0; i < memory_.size(); ++i) Step(i);
    return {device_.peak(), host_.peak()};
  }

 private:
  std::span<const uint32_t> Parents(uint32_t n) const {
    const UnfoldedTensor& tensor = graph_.tensors[n];
    return {graph_.references.data() + tensor.first_parent, tensor.parent_count};
  }
  std::span<const uint32_t> Uses(uint32_t n) const {
    const UnfoldedTensor& tensor = graph_.tensors[n];
    return {graph_.references.data() + tensor.first_use, tensor.use_count};
  }
  const GraphToken& Token(uint32_t n) const { return table_.tokens[graph_.tensors[n].token]; }
  const TensorLayout& Layout(uint32_t n) const { return sizes_.shapes[Token(n).shape]; }
  uint64_t Size(uint32_t n) const { return sizes_.tokens[graph_.tensors[n].token]; }
  Arena& ArenaOf(const Memory& memory) { return memory.host ? host_ : device_; }

  // ggml_gallocr_allocate_node(), then ggml_gallocr_free_node() for all that was last used here.
  void Step(uint32_t here) {
    Memory& memory = memory_[here];
    memory.owned = true;
    if (!TakeOver(here)) {
      memory.host = Token(here).host;
      memory.offset = ArenaOf(memory).Allocate(Size(here));
    }
    for (const uint32_t n : Uses(here)) {
      Memory& used = memory_[n];
      if (used.last_use != here || !used.owned) continue;  // or its memory was taken over
      ArenaOf(used).Release(used.offset, Size(n));
      used.owned = false;
    }
  }

  // The first parent that ends here and has the same layout gives its memory, less what is not
  // needed.
  bool TakeOver(uint32_t here) {
    Memory& memory = memory_[here];
    for (const uint32_t n : Parents(here)) {
      Memory& parent = memory_[n];
      if (n == here || parent.last_use != here || !parent.owned) continue;
      if (!Layout(here).SameAs(Layout(n))) continue;
      memory.host = parent.host;
      memory.offset = parent.offset;
      parent.owned = false;
      const uint64_t had = Arena::Pad(Size(n)), has = Arena::Pad(Size(here));
      if (had > has) ArenaOf(memory).Release(memory.offset + has, had - has);
      return true;
    }
    return false;
  }

  const GraphTable& table_;
  const UnfoldedGraph& graph_;
  const GraphSizes& sizes_;
  std::vector<Memory> memory_;  // of each tensor
  Arena device_, host_;
};

}  // namespace

Result<ReplayedCompute> ReplayGraphs(const GraphTable& table, const ModelFile& model,
                                     const Shape& shape) {
  const auto sizes = EvaluateSizes(table, model, shape);
  if (!sizes) return sizes.error();
  ReplayedCompute out;
  out.exact = table.same_structure;
  for (const SymbolicGraph& symbolic : table.graphs) {
    const auto graph = Unfold(table, symbolic, model.structure);
    if (!graph) return graph.error();
    out.exact = out.exact && graph->complete;
    const ComputeBytes peaks = Replay(table, *graph, *sizes).Run();
    out.bytes.device = std::max(out.bytes.device, peaks.device);
    out.bytes.host = std::max(out.bytes.host, peaks.host);
  }
  return out;
}

}  // namespace headroom::estimator

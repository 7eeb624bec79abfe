#include "estimator/graph/compute_graphs.h"

#include <algorithm>
#include <optional>

namespace headroom::estimator {
namespace {

using Attention = GraphMode::Attention;

bool IsQuantised(const GgmlType& type) {
  constexpr std::string_view kNames[] = {"q4_0", "q4_1", "q5_0", "q5_1", "q8_0"};
  return std::ranges::find(kNames, type.name) != std::end(kNames);
}

// nullopt for combinations that no table holds.
std::optional<Attention> AttentionOf(const Shape& shape) {
  const bool k_f16 = shape.k->name == "f16", v_f16 = shape.v->name == "f16";
  const bool k_quantised = IsQuantised(*shape.k), v_quantised = IsQuantised(*shape.v);
  if (k_f16 && v_f16) return shape.flash ? Attention::kF16 : Attention::kPlain;
  if (!shape.flash) return std::nullopt;
  if (k_f16 && v_quantised) return Attention::kF16QuantisedV;
  if (!k_quantised || !v_quantised) return std::nullopt;
  return shape.k == shape.v ? Attention::kQuantised : Attention::kMixedQuantised;
}

std::optional<GraphMode::Slots> SlotsOf(const Shape& shape) {
  if (shape.slots == 1 && shape.outputs >= shape.tokens) return GraphMode::Slots::kBatch;
  if (shape.outputs != shape.slots) return std::nullopt;
  if (shape.slots == 1) return GraphMode::Slots::kOne;
  return shape.unified ? GraphMode::Slots::kUnified : GraphMode::Slots::kApart;
}

}  // namespace

Result<ReplayedCompute> ReplayCompute(const ModelFile& model, const Shape& shape,
                                      std::string_view version) {
  const std::string_view file = GraphTableOf(version);
  const auto attention = AttentionOf(shape);
  const auto slots = SlotsOf(shape);
  if (file.empty() || !attention || !slots || !shape.metal) {
    return Error(Code::kNotFound, "no graphs of this configuration");
  }
  // One token a slot takes other kernels, and another graph.
  if (shape.tokens <= shape.slots) return Error(Code::kNotFound, "no graphs of single tokens");
  const auto table =
      ReadGraphTable(file, model.architecture, model.structure, {*attention, *slots});
  if (!table) return table.error();
  return ReplayGraphs(*table, model, shape);
}

}  // namespace headroom::estimator

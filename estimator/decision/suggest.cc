#include "estimator/decision/suggest.h"

#include <algorithm>

#include "common/checked.h"
#include "common/quantity.h"
#include "estimator/search.h"

namespace headroom::estimator {
namespace {

using Kind = Suggestion::Kind;
using State = CandidateView::State;

// A shorter context is no help to anybody.
constexpr uint32_t kSmallestUsefulContext = 1024;

void AddOtherNodes(const Request& request, Evaluator& evaluate, std::vector<Suggestion>& out) {
  if (request.file_on_node) return;  // nobody knows whether the file is there too
  std::vector<CandidateView> fitting;
  for (const Candidate& other : request.others) {
    CandidateView view = evaluate(other);
    if (view.state == State::kFits) fitting.push_back(std::move(view));
  }
  std::sort(fitting.begin(), fitting.end(), ComesBefore);
  if (fitting.size() > 2) fitting.resize(2);
  for (const CandidateView& view : fitting) {
    out.push_back({.kind = Kind::kOtherNode,
                   .text = "node " + view.node + ": " + FormatBytes(view.headroom) + " free of " +
                           FormatBytes(view.budget.bytes) + "; set " + request.fields.node,
                   .node = view.node,
                   .serving = request.serving,
                   .footprint_bytes = view.need});
  }
}

// A change of serving options, as options and as words.
struct Change {
  ServingOptions serving;
  std::string text;
};

void Append(std::string& text, const std::string& more) {
  text += text.empty() ? more : ", " + more;
}

bool DropPromptCache(const Request& request, Change& change) {
  if (change.serving.prompt_cache_mib == 0) return false;
  change.serving.prompt_cache_mib = 0;
  Append(change.text, "no prompt cache (" + request.fields.prompt_cache + ": 0)");
  return true;
}

bool QuantiseCache(const Request& request, Change& change) {
  ServingOptions& serving = change.serving;
  const bool wide = serving.cache_type_k == "f16" || serving.cache_type_k == "f32" ||
                    serving.cache_type_k == "bf16";
  if (!wide || serving.flash_attention == FlashAttention::kOff) return false;
  serving.cache_type_k = serving.cache_type_v = "q8_0";
  Append(change.text, "KV cache q8_0 (" + request.fields.cache_type_k + ", " +
                          request.fields.cache_type_v + ")");
  return true;
}

bool ShortenContext(const Request& request, const Candidate& node, const CandidateView& view,
                    Change& change) {
  uint64_t budget = view.headroom;
  if (request.preflight) {
    // Growth is not counted against what is available now, only the load is.
    const auto now = Estimate(*request.model, ServingOn(change.serving, node.node));
    if (!now) return false;
    budget = std::min(budget, view.available + now->footprint_bytes - now->load_bytes);
  }
  const auto context = LargestContext(*request.model, ServingOn(change.serving, node.node), budget);
  const uint32_t current = view.footprint.context;
  if (!context || *context < kSmallestUsefulContext || *context >= current) return false;
  change.serving.context = *context;
  Append(change.text,
         "context <= " + std::to_string(*context) + " (" + request.fields.context + ")");
  return true;
}

// Tries a set of changes: bit 0 prompt cache, bit 1 cache types, bit 2 context.
std::optional<Suggestion> Try(const Request& request, const Candidate& node,
                              const CandidateView& view, unsigned changes) {
  Change change{request.serving, ""};
  if ((changes & 1) && !DropPromptCache(request, change)) return std::nullopt;
  if ((changes & 2) && !QuantiseCache(request, change)) return std::nullopt;
  if ((changes & 4) && !ShortenContext(request, node, view, change)) return std::nullopt;
  const CandidateView after = EvaluateCandidate(request, node, change.serving);
  if (after.state != State::kFits) return std::nullopt;
  return Suggestion{.kind = Kind::kServing,
                    .text = change.text + ": " + FormatBytes(after.need),
                    .node = node.node.name,
                    .serving = change.serving,
                    .footprint_bytes = after.need};
}

// Single changes that fit; else pairs; else all three together.
void AddServingChanges(const Request& request, const Candidate& node, const CandidateView& view,
                       std::vector<Suggestion>& out) {
  for (const std::vector<unsigned>& sets :
       {std::vector<unsigned>{1, 2, 4}, std::vector<unsigned>{3, 5, 6}, std::vector<unsigned>{7}}) {
    const size_t before = out.size();
    for (unsigned changes : sets) {
      if (auto found = Try(request, node, view, changes)) out.push_back(std::move(*found));
    }
    if (out.size() > before) return;
  }
}

// The smallest single occupant that frees enough; else as many of the largest as it takes.
void AddStop(const Request& request, const CandidateView& view, std::vector<Suggestion>& out) {
  if (view.state != State::kOccupied) return;
  // The shortfall ends at the headroom, which is never negative; a node may be over its budget.
  const uint64_t deficit =
      SaturatingSub(CheckedAdd(view.need, view.committed).value_or(UINT64_MAX), view.budget.bytes);
  Suggestion suggestion{.kind = Kind::kStop,
                        .node = view.node,
                        .serving = request.serving,
                        .footprint_bytes = view.need};
  uint64_t freed = 0;
  for (const Occupant& occupant : view.occupants) {  // largest first
    if (occupant.name == kOtherModels || occupant.name == kOtherReplicas) continue;
    if (occupant.footprint_bytes >= deficit) {
      suggestion.stop = {occupant.name};
      freed = occupant.footprint_bytes;
    } else if (freed < deficit) {
      suggestion.stop.push_back(occupant.name);
      freed += occupant.footprint_bytes;
    }
  }
  if (freed < deficit || suggestion.stop.empty()) return;
  suggestion.text = "on " + view.node + " after stopping ";
  for (size_t i = 0; i < suggestion.stop.size(); ++i) {
    suggestion.text += (i == 0 ? "" : ", ") + suggestion.stop[i];
  }
  suggestion.text += " (frees " + FormatBytes(freed) + ")";
  out.push_back(std::move(suggestion));
}

void AddWeights(const Request& request, const Candidate& node, const CandidateView& view,
                std::vector<Suggestion>& out) {
  const uint64_t largest =
      LargestWeights(*request.model, ServingOn(request.serving, node.node), view.headroom);
  const uint64_t current = view.footprint.resident_weights;
  // Below a quarter of the present size there is no quantisation of the same model.
  if (largest < current / 4 || largest >= current) return;
  out.push_back({.kind = Kind::kWeights,
                 .text = "a quantisation of at most " + FormatBytes(largest) +
                         " (this file: " + FormatBytes(current) + ")",
                 .node = view.node,
                 .serving = request.serving,
                 .weights_bytes = largest,
                 .footprint_bytes = view.footprint.footprint_bytes - current + largest});
}

}  // namespace

std::vector<Suggestion> Suggest(const Request& request, const Candidate& closest,
                                const CandidateView& view, Evaluator& evaluate) {
  std::vector<Suggestion> out;
  AddOtherNodes(request, evaluate, out);
  if (request.model == nullptr) return out;
  AddStop(request, view, out);
  AddServingChanges(request, closest, view, out);
  if (!request.preflight) AddWeights(request, closest, view, out);
  return out;
}

}  // namespace headroom::estimator

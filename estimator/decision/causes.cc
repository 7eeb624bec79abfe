// The machine-readable forms of a verdict.
#include "estimator/decision/text.h"
#include "estimator/explain.h"

namespace headroom::estimator {
namespace {

std::string_view StateName(CandidateView::State state) {
  using State = CandidateView::State;
  switch (state) {
    case State::kFits: return "fits";
    case State::kOccupied: return "occupied";
    case State::kTooSmall: return "too-small";
    case State::kInUse: return "in-use";
    case State::kStale: return "stale";
    case State::kUnschedulable: return "unschedulable";
    case State::kInvalid: return "invalid";
    case State::kRefused: return "refused";
  }
  return "";
}

std::string_view KindName(Suggestion::Kind kind) {
  using Kind = Suggestion::Kind;
  switch (kind) {
    case Kind::kOtherNode: return "other-node";
    case Kind::kServing: return "serving";
    case Kind::kStop: return "stop";
    case Kind::kWeights: return "weights";
  }
  return "";
}

Json CandidateJson(const CandidateView& view) {
  Json out = Json::MakeObject();
  out.Set("node", view.node);
  out.Set("state", StateName(view.state));
  if (!view.why.empty()) out.Set("why", view.why);
  out.Set("needBytes", view.need);
  out.Set("budgetBytes", view.budget.bytes);
  out.Set("budget", view.budget.derivation);
  out.Set("committedBytes", view.committed);
  out.Set("headroomBytes", view.headroom);
  out.Set("shortfallBytes", view.shortfall);
  out.Set("availableBytes", view.available);
  return out;
}

Json SuggestionJson(const Suggestion& suggestion) {
  Json out = Json::MakeObject();
  out.Set("kind", KindName(suggestion.kind));
  out.Set("text", Ascii(suggestion.text, 240));
  out.Set("node", suggestion.node);
  out.Set("footprintBytes", suggestion.footprint_bytes);
  return out;
}

}  // namespace

std::vector<Cause> Causes(const Verdict& v) {
  if (v.allowed) return {};
  const std::string reason(RuleId(v.rule));
  const CandidateView* c = v.Chosen();
  if (c == nullptr || c->need == 0) {
    const bool budget = v.rule == Rule::kModelBudget;
    return {{reason, budget ? v.detail.substr(0, v.detail.find(':')) : v.fields.source,
             Ascii(v.detail, 300)}};
  }
  std::vector<Cause> causes;
  causes.push_back({reason, v.fields.source, "footprintBytes=" + std::to_string(c->need)});
  causes.push_back(
      {reason, v.fields.node,
       "node=" + Ascii(c->node, 120) + " budgetBytes=" + std::to_string(c->budget.bytes) +
           " committedBytes=" + std::to_string(c->committed) + " headroomBytes=" +
           std::to_string(c->headroom) + " shortfallBytes=" + std::to_string(c->shortfall)});
  causes.push_back({reason, v.fields.context,
                    "context=" + std::to_string(c->footprint.context) +
                        " kvCacheBytes=" + std::to_string(c->footprint.KvCache())});
  return causes;
}

Json ToJson(const Verdict& v) {
  Json out = Json::MakeObject();
  out.Set("allowed", v.allowed);
  out.Set("rule", RuleId(v.rule));
  out.Set("workload", v.workload.kind + " " + v.workload.name);
  out.Set("summary", Summary(v));
  Json candidates = Json::MakeArray();
  for (const CandidateView& view : v.candidates) candidates.Append(CandidateJson(view));
  out.Set("candidates", std::move(candidates));
  Json suggestions = Json::MakeArray();
  for (const Suggestion& suggestion : v.suggestions) suggestions.Append(SuggestionJson(suggestion));
  out.Set("suggestions", std::move(suggestions));
  Json warnings = Json::MakeArray();
  for (const std::string& warning : Warnings(v)) warnings.Append(warning);
  out.Set("warnings", std::move(warnings));
  return out;
}

}  // namespace headroom::estimator

#include "estimator/verdict.h"

#include <algorithm>

#include "common/checked.h"
#include "common/quantity.h"
#include "estimator/decision/evaluate.h"
#include "estimator/decision/suggest.h"

namespace headroom::estimator {
namespace {

using State = CandidateView::State;

Verdict Start(const Request& request) {
  Verdict verdict;
  verdict.workload = request.workload;
  verdict.fields = request.fields;
  verdict.source = request.source;
  verdict.header_bytes_read = request.header_bytes_read;
  verdict.serving = request.serving;
  verdict.context_assumed = request.serving.context == 0 || request.context_default;
  if (request.model != nullptr) verdict.hyper = request.model->hyper;
  return verdict;
}

Verdict Deny(Verdict verdict, Rule rule, std::string detail = "") {
  verdict.allowed = false;
  verdict.rule = rule;
  verdict.detail = std::move(detail);
  return verdict;
}

Verdict Allow(Verdict verdict) {
  verdict.allowed = true;
  verdict.rule = Rule::kAllowed;
  return verdict;
}

// A model of unknown size and without a declared memoryBudget.
Verdict DecideUnknown(const Request& request, Verdict verdict) {
  if (request.allow_unknown) {
    verdict.warnings.push_back("HR-301 memory not checked: " + request.unknown.reason);
    return Allow(std::move(verdict));
  }
  const bool pending = request.unknown.why == UnknownSize::Why::kPending;
  return Deny(std::move(verdict), pending ? Rule::kHeaderPending : Rule::kUnknownSize,
              request.unknown.reason);
}

// Whether no known node, of several, could take it even when empty, up to date and in service.
bool FitsNowhere(const Request& request, Evaluator& evaluate) {
  const auto could = [&](const Candidate& candidate) {
    Candidate best = candidate;
    best.node.observed_at = request.now;
    best.node.schedulable = true;
    const CandidateView view = evaluate(best);
    return view.state != State::kTooSmall && view.state != State::kInvalid;
  };
  return request.candidates.size() + request.others.size() > 1 &&
         std::none_of(request.candidates.begin(), request.candidates.end(), could) &&
         std::none_of(request.others.begin(), request.others.end(), could);
}

// The rule for a request that no candidate can take now.
Rule RuleFor(const Request& request, const Verdict& verdict, Evaluator& evaluate) {
  switch (verdict.candidates[0].state) {
    case State::kFits: return Rule::kAllowed;
    case State::kInUse: return Rule::kInUse;
    case State::kOccupied: return Rule::kOccupied;
    case State::kRefused: return Rule::kRefused;
    case State::kInvalid: return Rule::kNodeBudget;
    case State::kStale:
    case State::kUnschedulable: return Rule::kNoCandidate;
    case State::kTooSmall: break;
  }
  return FitsNowhere(request, evaluate) ? Rule::kFitsNoNode : Rule::kOverBudget;
}

// "counted with ..." of a manifest that does not say.
std::string AssumedContext(const Request& request, const CandidateView& chosen) {
  const std::string tokens = std::to_string(chosen.footprint.context) + " tokens";
  return "no context size given: counted with " +
         (request.context_default ? "the default of " + tokens : "the model's own, " + tokens) +
         " (" + request.fields.context + ")";
}

// More than this part of a node's headroom is worth a word: the next edit may not fit.
bool IsTight(const CandidateView& view) { return view.need > view.headroom / 10 * 9; }

// Of an admitted workload, the most surprising first: only four are shown.
void AddWarnings(const Request& request, const CandidateView& chosen, const NodeCapacity& node,
                 Verdict& verdict) {
  const auto warn = [&verdict](std::string text) { verdict.warnings.push_back(std::move(text)); };
  const std::string name = "node " + chosen.node;
  if (node.pressure == "warning" || node.pressure == "critical") {
    warn(name + " is under memory pressure (" + node.pressure + ")");
  }
  if (request.model != nullptr && chosen.available != 0 &&
      chosen.footprint.load_bytes > chosen.available) {
    warn(name + " has " + FormatBytes(chosen.available) + " available now, loading takes " +
         FormatBytes(chosen.footprint.load_bytes));
  }
  if (chosen.budget.from_model && chosen.budget.capped) {
    warn(request.budget.path + ": more than " + name + " may give to models: counted with " +
         FormatBytes(chosen.budget.bytes));
  }
  if (IsTight(chosen)) {
    warn(FormatBytes(chosen.need) + " takes nearly all of the " + FormatBytes(chosen.headroom) +
         " that " + name + " can still give");
  }
  if (request.model == nullptr) {
    warn("header not readable: counted with the declared size, " + FormatBytes(chosen.need));
  } else if (verdict.context_assumed) {
    warn(AssumedContext(request, chosen));
  }
  for (const std::string& warning : chosen.footprint.warnings) warn(warning);
}

const Candidate& FindCandidate(const Request& request, const std::string& name) {
  return *std::find_if(request.candidates.begin(), request.candidates.end(),
                       [&name](const Candidate& c) { return c.node.name == name; });
}

}  // namespace

std::string_view RuleId(Rule rule) {
  switch (rule) {
    case Rule::kAllowed: return "";
    case Rule::kOverBudget: return "HR-101";
    case Rule::kFitsNoNode: return "HR-102";
    case Rule::kOccupied: return "HR-103";
    case Rule::kNoCandidate: return "HR-104";
    case Rule::kInUse: return "HR-105";
    case Rule::kNodeBudget: return "HR-201";
    case Rule::kModelBudget: return "HR-202";
    case Rule::kUnknownSize: return "HR-301";
    case Rule::kHeaderPending: return "HR-302";
    case Rule::kRefused: return "HR-401";
  }
  return "";
}

uint64_t Verdict::FootprintBytes() const {
  uint64_t bytes = 0;
  for (const CandidateView& view : candidates) {
    if (view.state == State::kFits) bytes = std::max(bytes, view.need);
  }
  return bytes;
}

Verdict Decide(const Request& request) {
  Verdict verdict = Start(request);
  if (auto checked = CheckBudgetTexts(request.budget); !checked) {
    return Deny(std::move(verdict), Rule::kModelBudget, checked.error().message());
  }
  if (request.model == nullptr && !request.budget.memory_budget) {
    return DecideUnknown(request, std::move(verdict));
  }
  Evaluator evaluate(request);
  for (const Candidate& candidate : request.candidates) {
    verdict.candidates.push_back(evaluate(candidate));
  }
  if (verdict.candidates.empty()) return Deny(std::move(verdict), Rule::kNoCandidate);
  std::sort(verdict.candidates.begin(), verdict.candidates.end(), ComesBefore);
  const Rule rule = RuleFor(request, verdict, evaluate);
  verdict.allowed = rule == Rule::kAllowed;
  verdict.rule = rule;
  const CandidateView& closest = verdict.candidates[0];
  const Candidate& target = FindCandidate(request, closest.node);
  if (verdict.allowed) {
    AddWarnings(request, closest, target.node, verdict);
    return verdict;
  }
  verdict.detail = closest.why;
  if (rule == Rule::kRefused || rule == Rule::kNodeBudget || rule == Rule::kNoCandidate) {
    return verdict;
  }
  verdict.suggestions = Suggest(request, target, closest, evaluate);
  return verdict;
}

}  // namespace headroom::estimator

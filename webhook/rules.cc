#include "webhook/rules.h"

#include <algorithm>

#include "admission/growth.h"
#include "estimator/explain.h"
#include "estimator/verdict.h"
#include "webhook/candidates.h"
#include "webhook/headers.h"
#include "webhook/scope.h"

namespace headroom::webhook {
namespace {

// Judges what a review changes. Holds what its steps share; lives for one call.
class Judging {
 public:
  Judging(const View& view, const HeaderLookup& lookup, const RuleSettings& settings, WallTime now)
      : view_(view),
        lookup_(lookup),
        settings_(settings),
        now_(now),
        candidates_(view, lookup, now, decision_.needs) {}

  void Run(Scope scope);
  Decision Take();

 private:
  void JudgeChange(const Change& change);
  void AddOthers(estimator::Request& request, const admission::Nodes& targets,
                 const Change& change);
  void Accept(estimator::Verdict verdict, const Change& change);
  void Deny(estimator::Verdict verdict);
  bool WaitsForOccupant(const estimator::Verdict& verdict, const Change& change);
  void DenyText(estimator::Rule rule, const Change& change, const std::string& detail);

  const View& view_;
  const HeaderLookup& lookup_;
  const RuleSettings& settings_;
  const WallTime now_;
  Decision decision_;
  Candidates candidates_;
};

void Judging::AddOthers(estimator::Request& request, const admission::Nodes& targets,
                        const Change& change) {
  for (const kube::Node* node : view_.nodes()) {
    const bool target = std::find(targets.begin(), targets.end(), node) != targets.end();
    if (node->publishes && !target) {
      request.others.push_back(candidates_.For(*node, change.key));
    }
  }
}

void Judging::JudgeChange(const Change& change) {
  const kube::Workload& workload = change.after;
  auto options = kube::ServingOptionsOf(workload);
  if (!options) {
    return DenyText(estimator::Rule::kRefused, change, options.error().message());
  }
  const auto targets = admission::TargetsOf(workload, view_.nodes());
  const auto sizing = SizeOf(workload, targets, {view_, lookup_, now_}, decision_.needs);
  if (!decision_.needs.empty()) return;
  options->mmproj_bytes = sizing.mmproj_bytes;
  const kube::Node* first = targets.empty() ? nullptr : targets[0];
  if (change.before && !admission::Grows(*change.before, workload, sizing, first)) return;
  estimator::Request request = admission::RequestFor(workload, *options, sizing, targets, now_);
  request.workload = admission::NameOf(workload, change.replica);
  request.allow_unknown = settings_.allow_unknown;
  for (const kube::Node* node : targets) {
    request.candidates.push_back(candidates_.For(*node, change.key));
  }
  if (!decision_.needs.empty()) return;
  estimator::Verdict verdict = estimator::Decide(request);
  if (!verdict.allowed) {
    // Other nodes are only worth their work when there is something to suggest.
    AddOthers(request, targets, change);
    if (!decision_.needs.empty()) return;
    if (!request.others.empty()) verdict = estimator::Decide(request);
  }
  Accept(std::move(verdict), change);
}

// Room that an admitted workload of unknown size may need is not given away while its header is on
// its way. True when the review has been denied for that.
bool Judging::WaitsForOccupant(const estimator::Verdict& verdict, const Change& change) {
  const estimator::CandidateView* chosen = verdict.Chosen();
  if (!verdict.allowed || settings_.allow_unknown || chosen == nullptr) return false;
  for (const std::string& key : candidates_.Unsized(chosen->node)) {
    if (key == change.key) continue;
    estimator::Verdict waiting = verdict;
    waiting.allowed = false;
    waiting.rule = estimator::Rule::kHeaderPending;
    decision_.unknown_size = true;
    const auto causes = estimator::Causes(waiting);
    waiting.fields.source = key + ", which runs on node " + chosen->node + ",";
    Deny(std::move(waiting));
    decision_.answer.causes = causes;
    return true;
  }
  return false;
}

void Judging::Accept(estimator::Verdict verdict, const Change& change) {
  if (WaitsForOccupant(verdict, change)) return;
  const bool unknown = verdict.rule == estimator::Rule::kUnknownSize ||
                       verdict.rule == estimator::Rule::kHeaderPending ||
                       (verdict.allowed && verdict.FootprintBytes() == 0);
  if (unknown) decision_.unknown_size = true;
  if (!verdict.allowed) return Deny(std::move(verdict));
  decision_.outcome = Decision::Outcome::kAllowed;
  for (std::string& warning : estimator::Warnings(verdict)) {
    decision_.answer.warnings.push_back(std::move(warning));
  }
  const uint64_t bytes = verdict.FootprintBytes();
  if (verdict.Chosen() != nullptr && bytes > 0) {
    const std::string& node = verdict.Chosen()->node;
    decision_.answer.audit["node"] = node;
    decision_.answer.audit["footprint-bytes"] = std::to_string(bytes);
    decision_.reservations.push_back({change.key, change.after.meta.Key(), node, bytes});
    candidates_.Promise(decision_.reservations.back());
  }
  decision_.verdict = std::move(verdict);
}

void Judging::Deny(estimator::Verdict verdict) {
  decision_.outcome = Decision::Outcome::kDenied;
  decision_.rule = estimator::RuleId(verdict.rule);
  decision_.answer.allowed = false;
  decision_.answer.message = estimator::DenialText(verdict);
  decision_.answer.causes = estimator::Causes(verdict);
  decision_.reservations.clear();
  decision_.answer.audit = {{"rule", decision_.rule}};
  decision_.verdict = std::move(verdict);
}

void Judging::DenyText(estimator::Rule rule, const Change& change, const std::string& detail) {
  Deny(admission::Refusal(change.after, rule, detail));
}

void Judging::Run(Scope scope) {
  decision_.answer.warnings = std::move(scope.warnings);
  decision_.detail = scope.pass;
  if (scope.budget_error) {
    DenyText(estimator::Rule::kModelBudget, {scope.subject, std::nullopt, "", 1},
             scope.budget_error->message());
  }
  for (const Change& change : scope.changes) {
    if (decision_.outcome == Decision::Outcome::kDenied) break;
    JudgeChange(change);
    if (!decision_.needs.empty()) return;
  }
  if (decision_.outcome == Decision::Outcome::kPassed && decision_.detail.empty()) {
    decision_.detail = "no growth";
  }
  decision_.answer.audit["decision"] = ToString(decision_.outcome);
}

Decision Judging::Take() {
  if (decision_.needs.empty()) return std::move(decision_);
  Decision incomplete;
  incomplete.needs = std::move(decision_.needs);
  return incomplete;
}

}  // namespace

std::string_view ToString(Decision::Outcome outcome) {
  switch (outcome) {
    case Decision::Outcome::kPassed: return "passed";
    case Decision::Outcome::kAllowed: return "allowed";
    case Decision::Outcome::kDenied: return "denied";
  }
  return "passed";
}

std::string Decision::Detail() const { return verdict ? estimator::Summary(*verdict) : detail; }

Decision Judge(const Review& review, const View& view, const HeaderLookup& lookup,
               const RuleSettings& settings, WallTime now) {
  return JudgeScope(ScopeOf(review, view), view, lookup, settings, now);
}

Decision JudgeScope(Scope scope, const View& view, const HeaderLookup& lookup,
                    const RuleSettings& settings, WallTime now) {
  Judging judging(view, lookup, settings, now);
  judging.Run(std::move(scope));
  return judging.Take();
}

}  // namespace headroom::webhook

#include "webhook/rules.h"

#include <algorithm>

#include "estimator/explain.h"
#include "estimator/verdict.h"
#include "webhook/candidates.h"
#include "webhook/headers.h"
#include "webhook/scope.h"

namespace headroom::webhook {
namespace {

using estimator::ServingOptions;
using kube::Kind;

estimator::Workload NameOf(const Change& change) {
  const kube::Workload& workload = change.after;
  const std::string key = workload.meta.Key();
  if (workload.kind == Kind::kModel) return {"Model", key, ""};
  const int replicas = ReplicasOf(workload);
  const std::string which = replicas > 1 ? " (replica " + std::to_string(change.replica) + " of " +
                                               std::to_string(replicas) + ")"
                                         : "";
  return {"InferenceService", key + which, key};
}

estimator::FieldNames FieldsOf(const kube::Workload& workload) {
  estimator::FieldNames fields;
  if (workload.kind == Kind::kModel) return fields;
  fields.context = "spec.contextSize";
  fields.cache_type_k = "spec.cacheTypeK";
  fields.cache_type_v = "spec.cacheTypeV";
  fields.node = "annotation headroom.dev/node";
  fields.source = "spec.modelRef";
  fields.prompt_cache = "spec.extraArgs --cache-ram";
  return fields;
}

// True when no target could take anything, whatever its size: then that is what to say, and not
// that the size is unknown because nobody could be asked.
bool NoneUsable(const std::vector<const kube::Node*>& targets, WallTime now) {
  return std::none_of(targets.begin(), targets.end(), [now](const kube::Node* node) {
    return node->publishes && !estimator::IsStale(node->capacity, now);
  });
}

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
  bool Grows(const Change& change, const ServingOptions& after, const Sizing& sizing,
             const estimator::NodeCapacity* node);
  std::vector<const kube::Node*> Targets(const kube::Workload& workload) const;
  void AddOthers(estimator::Request& request, const std::vector<const kube::Node*>& targets,
                 const Change& change);
  void Accept(const estimator::Verdict& verdict, const Change& change);
  void Deny(const estimator::Verdict& verdict);
  bool WaitsForOccupant(const estimator::Verdict& verdict, const Change& change);
  void DenyText(estimator::Rule rule, const Change& change, const std::string& detail);

  const View& view_;
  const HeaderLookup& lookup_;
  const RuleSettings& settings_;
  const WallTime now_;
  Decision decision_;
  Candidates candidates_;
};

std::vector<const kube::Node*> Judging::Targets(const kube::Workload& workload) const {
  auto targets = kube::TargetNodes(workload, view_.nodes());
  if (workload.claimed_by.empty()) return targets;
  // It runs there already: another node's room does not help where it stays.
  for (const kube::Node* node : targets) {
    if (node->meta.name == workload.claimed_by) return {node};
  }
  return targets;
}

// Rule 2: an update whose footprint does not grow passes even where the node is over its budget.
bool Judging::Grows(const Change& change, const ServingOptions& after, const Sizing& sizing,
                    const estimator::NodeCapacity* node) {
  if (!change.before || CompareWorkloads(*change.before, change.after) == Growth::kMoved)
    return true;
  if (sizing.model == nullptr) return true;
  auto before = kube::ServingOptionsOf(*change.before);
  if (!before) return true;
  ServingOptions now = after;
  if (node != nullptr) now.runtime_version = before->runtime_version = node->runtime_version;
  before->mmproj_bytes = now.mmproj_bytes;
  const auto old_footprint = estimator::Estimate(*sizing.model, *before);
  const auto new_footprint = estimator::Estimate(*sizing.model, now);
  if (!old_footprint || !new_footprint) return true;
  return new_footprint->footprint_bytes > old_footprint->footprint_bytes;
}

void Judging::AddOthers(estimator::Request& request, const std::vector<const kube::Node*>& targets,
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
  const auto targets = Targets(workload);
  const Sizing sizing = SizeOf(workload, targets, {view_, lookup_, now_}, decision_.needs);
  if (!decision_.needs.empty()) return;
  options->mmproj_bytes = sizing.mmproj_bytes;
  if (!Grows(change, *options, sizing, targets.empty() ? nullptr : &targets[0]->capacity)) return;
  estimator::Request request;
  request.workload = NameOf(change);
  request.fields = FieldsOf(workload);
  request.source = sizing.source;
  request.header_bytes_read = sizing.bytes_read;
  request.file_on_node = sizing.file_on_node;
  request.model = sizing.model;
  request.unknown.why = sizing.pending ? estimator::UnknownSize::Why::kPending
                                       : estimator::UnknownSize::Why::kUnreadable;
  request.unknown.reason = sizing.reason;
  request.allow_unknown = settings_.allow_unknown;
  request.serving = *options;
  request.context_default = kube::ContextIsDefault(workload, *options);
  request.budget = workload.budget;
  request.now = now_;
  for (const kube::Node* node : targets) {
    request.candidates.push_back(candidates_.For(*node, change.key));
  }
  if (!decision_.needs.empty()) return;
  static const estimator::ModelFile kAnySize;
  if (sizing.model == nullptr && NoneUsable(targets, now_)) request.model = &kAnySize;
  estimator::Verdict verdict = estimator::Decide(request);
  if (!verdict.allowed) {
    // Other nodes are only worth their work when there is something to suggest.
    AddOthers(request, targets, change);
    if (!decision_.needs.empty()) return;
    if (!request.others.empty()) verdict = estimator::Decide(request);
  }
  Accept(verdict, change);
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
    Deny(waiting);
    decision_.answer.causes = causes;
    return true;
  }
  return false;
}

void Judging::Accept(const estimator::Verdict& verdict, const Change& change) {
  if (WaitsForOccupant(verdict, change)) return;
  const bool unknown = verdict.rule == estimator::Rule::kUnknownSize ||
                       verdict.rule == estimator::Rule::kHeaderPending ||
                       (verdict.allowed && verdict.FootprintBytes() == 0);
  if (unknown) decision_.unknown_size = true;
  if (!verdict.allowed) return Deny(verdict);
  decision_.outcome = Decision::Outcome::kAllowed;
  decision_.detail = estimator::Summary(verdict);
  for (std::string& warning : estimator::Warnings(verdict)) {
    decision_.answer.warnings.push_back(std::move(warning));
  }
  const estimator::CandidateView* chosen = verdict.Chosen();
  if (chosen == nullptr || verdict.FootprintBytes() == 0) return;
  decision_.node = chosen->node;
  decision_.footprint = verdict.FootprintBytes();
  decision_.answer.audit["node"] = chosen->node;
  decision_.answer.audit["footprint-bytes"] = std::to_string(verdict.FootprintBytes());
  decision_.reservations.push_back(
      {change.key, change.after.meta.Key(), chosen->node, verdict.FootprintBytes()});
  candidates_.Promise(decision_.reservations.back());
}

void Judging::Deny(const estimator::Verdict& verdict) {
  decision_.outcome = Decision::Outcome::kDenied;
  decision_.rule = estimator::RuleId(verdict.rule);
  decision_.answer.allowed = false;
  decision_.answer.message = estimator::DenialText(verdict);
  decision_.answer.causes = estimator::Causes(verdict);
  decision_.detail = estimator::Summary(verdict);
  const estimator::CandidateView* chosen = verdict.Chosen();
  decision_.node = chosen != nullptr ? chosen->node : "";
  decision_.footprint = chosen != nullptr ? chosen->need : 0;
  decision_.reservations.clear();
  decision_.answer.audit = {{"rule", decision_.rule}};
}

void Judging::DenyText(estimator::Rule rule, const Change& change, const std::string& detail) {
  estimator::Verdict verdict;
  verdict.rule = rule;
  verdict.workload = NameOf(change);
  verdict.fields = FieldsOf(change.after);
  verdict.detail = detail;
  Deny(verdict);
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

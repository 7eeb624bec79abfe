#include "cli/check/check.h"

#include <algorithm>

#include "estimator/explain.h"

namespace headroom::cli {
namespace {

using Outcome = Checked::Result;

void Take(Checked& out, const estimator::Verdict& verdict) {
  out.verdict = estimator::ToJson(verdict);
  out.summary = estimator::Summary(verdict);
  for (std::string& warning : estimator::Warnings(verdict)) {
    out.warnings.push_back(std::move(warning));
  }
  out.result = verdict.allowed ? Outcome::kAllowed : Outcome::kDenied;
  if (verdict.allowed) return;
  out.rule = estimator::RuleId(verdict.rule);
  out.message = estimator::DenialText(verdict);
}

// The workloads that `object` makes or changes: its own, and those of services that name a Model.
std::vector<const Wanted*> ChangedBy(const Json& object, const Fleet& fleet) {
  std::vector<const Wanted*> out;
  const std::string kind = StringOr(object, {"kind"});
  const std::string key = StringOr(object, {"metadata", "namespace"}, "default") + "/" +
                          StringOr(object, {"metadata", "name"});
  for (const Wanted& one : fleet.wanted()) {
    const bool itself = one.workload.Key() == kind + "/" + key;
    if (itself || (kind == "Model" && one.workload.model_key == key)) out.push_back(&one);
  }
  return out;
}

// What a Model without a workload can still have wrong.
Result<void> CheckBudget(const Json& object) {
  if (StringOr(object, {"kind"}) != "Model") return {};
  return estimator::CheckBudgetTexts(kube::DecodeModel(object).budget);
}

bool IsOurs(const Json& object, const Fleet& fleet) {
  const kube::Model model = kube::DecodeModel(object);
  kube::Workload subject;
  subject.accelerator = model.accelerator;
  subject.node_name = model.node_name;
  subject.node_selector = model.node_selector;
  return kube::IsOurs(subject, fleet.nodes());
}

class Checking {
 public:
  Checking(std::vector<Json> existing, Judge& judge)
      : objects_(std::move(existing)), judge_(judge), before_(objects_) {}

  Checked Check(const Manifest& manifest) {
    Checked out;
    out.file = manifest.file;
    out.line = manifest.line;
    out.subject = StringOr(manifest.object, {"kind"}) + " " +
                  StringOr(manifest.object, {"metadata", "namespace"}, "default") + "/" +
                  StringOr(manifest.object, {"metadata", "name"});
    std::vector<Json> with = objects_;
    Overlay(with, manifest.object);
    Fleet after(with);
    Judged(manifest.object, after, out);
    if (out.result != Outcome::kDenied) {
      objects_ = std::move(with);
      before_ = std::move(after);
    }
    return out;
  }

 private:
  void Judged(const Json& object, const Fleet& after, Checked& out) {
    const auto changed = ChangedBy(object, after);
    const auto budget = CheckBudget(object);
    if (!budget && (IsOurs(object, after) || !changed.empty())) {
      kube::Workload subject;
      subject.meta = kube::DecodeMeta(object);
      return Take(out, admission::Refusal(subject, estimator::Rule::kModelBudget,
                                          budget.error().message()));
    }
    out.summary = "no workload of ours";
    if (StringOr(object, {"kind"}) == "InferenceService" && changed.empty()) {
      out.summary = "suspended, or its Model " + StringOr(object, {"spec", "modelRef"}) +
                    " is not known: memory is checked when it is created";
    }
    for (const Wanted* wanted : changed) {
      if (out.result == Outcome::kDenied) return;
      const kube::Workload& workload = wanted->workload;
      if (!kube::IsOurs(workload, after.nodes())) continue;
      const Wanted* old = before_.Find(workload.Key());
      if (old != nullptr && !judge_.Grows(after, old->workload, workload)) {
        if (out.result == Outcome::kPassed) out.summary = "no growth";
        continue;
      }
      const estimator::Verdict verdict = judge_.Decide(after, workload);
      Take(out, verdict);
      if (verdict.allowed) judge_.Promised(workload, verdict);
    }
  }

  std::vector<Json> objects_;
  Judge& judge_;
  Fleet before_;
};

}  // namespace

std::vector<Checked> CheckManifests(const std::vector<Manifest>& manifests,
                                    std::vector<Json> existing, Judge& judge) {
  Checking checking(std::move(existing), judge);
  std::vector<Checked> out;
  for (const Manifest& manifest : manifests) out.push_back(checking.Check(manifest));
  return out;
}

Json BudgetNode(uint64_t budget, WallTime now) {
  estimator::NodeCapacity capacity;
  capacity.memory_total = budget;
  capacity.memory_budget = budget;
  capacity.budget_source = "--budget";
  capacity.available = budget;
  capacity.observed_at = now;
  Json node = Json::MakeObject();
  node.Set("kind", "Node");
  node.Make({"metadata", "name"}) = kBudgetNode;
  Json& annotations = node.Make({"metadata", "annotations"});
  for (const auto& [key, value] : kube::EncodeAnnotations(capacity)) annotations.Set(key, value);
  return node;
}

void BindToBudget(Json& object) {
  Json& spec = object.Make({"spec"});
  spec.Remove("nodeSelector");
  if (Json* annotations = object.Find({"metadata", "annotations"}) != nullptr
                              ? &object.Make({"metadata", "annotations"})
                              : nullptr) {
    annotations->Remove(kube::kNodeAnnotation);
    annotations->Remove(kube::kClaimedByAnnotation);
  }
  spec.Set("nodeName", kBudgetNode);
}

bool AnyDenied(const std::vector<Checked>& checked) {
  return std::any_of(checked.begin(), checked.end(),
                     [](const Checked& one) { return one.result == Checked::Result::kDenied; });
}

}  // namespace headroom::cli

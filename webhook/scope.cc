#include "webhook/scope.h"

#include <algorithm>

namespace headroom::webhook {
namespace {

using estimator::ServingOptions;
using kube::Kind;

constexpr std::string_view kGroup = "inference.llmkube.dev";

std::string NotOurBusiness(const Review& review) {
  if (review.operation != "CREATE" && review.operation != "UPDATE") return "operation";
  if (review.group != kGroup) return "group";
  if (!review.subresource.empty()) return "subresource";
  if (review.resource != "models" && review.resource != "inferenceservices") return "resource";
  if (!review.object.IsObject()) return "no object";
  // An object on its way out must never be held up by us: its finalizers are updates too.
  if (kube::DecodeMeta(review.object).deleting) return "deleting";
  if (review.old_object.IsObject() && kube::DecodeMeta(review.old_object).deleting) {
    return "deleting";
  }
  return "";
}

// The request is the authority on the namespace; a generated name is not known yet.
void CompleteMeta(const Review& review, kube::Meta& meta) {
  if (!review.ns.empty()) meta.ns = review.ns;
  if (meta.ns.empty()) meta.ns = "default";
  if (meta.name.empty()) meta.name = review.name;
  if (meta.name.empty()) meta.name = meta.generate_name + "*";
}

bool SameBudget(const estimator::BudgetTexts& a, const estimator::BudgetTexts& b) {
  return a.memory_budget == b.memory_budget && a.memory_fraction == b.memory_fraction;
}

// 0 leaves the size to the model or to the batch: only an estimate can compare that.
bool NotAbove(uint32_t a, uint32_t b) { return a == b || (a != 0 && b != 0 && a < b); }

bool NoMoreThan(const ServingOptions& after, const ServingOptions& before) {
  ServingOptions same = after;
  same.context = before.context;
  same.batch = before.batch;
  same.ubatch = before.ubatch;
  same.prompt_cache_mib = before.prompt_cache_mib;
  same.context_checkpoints = before.context_checkpoints;
  return same == before && NotAbove(after.context, before.context) && after.batch <= before.batch &&
         NotAbove(after.ubatch, before.ubatch) &&
         after.prompt_cache_mib <= before.prompt_cache_mib &&
         after.context_checkpoints <= before.context_checkpoints;
}

bool Ours(const kube::Workload& workload, const View& view) {
  return kube::IsOurs(workload, view.nodes());
}

std::string ReservationKey(const Review& review, const kube::Workload& workload) {
  if (!review.name.empty() || workload.meta.generate_name.empty()) return workload.Key();
  return GeneratedKey(workload.kind, workload.meta.ns, workload.meta.generate_name, review.uid);
}

void AddChange(Scope& scope, const View& view, Change change) {
  if (!Ours(change.after, view)) return;
  if (change.before && CompareWorkloads(*change.before, change.after) == Growth::kNone) return;
  scope.changes.push_back(std::move(change));
}

// A Model without spec.serving as a workload that runs nowhere: to ask whether it is ours.
kube::Workload Subject(const kube::Model& model) {
  kube::Workload workload;
  workload.meta = model.meta;
  workload.model_key = model.meta.Key();
  workload.source = model.source;
  workload.accelerator = model.accelerator;
  workload.budget = model.budget;
  workload.node_name = model.node_name;
  workload.node_selector = model.node_selector;
  return workload;
}

std::optional<kube::Model> OldModel(const Review& review) {
  if (!review.old_object.IsObject()) return std::nullopt;
  kube::Model old = kube::DecodeModel(review.old_object);
  CompleteMeta(review, old.meta);
  return old;
}

void ScopeModel(const Review& review, const View& view, Scope& scope) {
  kube::Model model = kube::DecodeModel(review.object);
  CompleteMeta(review, model.meta);
  const auto old = OldModel(review);
  scope.subject = Subject(model);
  const auto services = view.ServicesOf(model.meta.Key());
  bool ours = Ours(scope.subject, view);
  if (auto after = kube::WorkloadOf(model)) {
    auto before = old ? kube::WorkloadOf(*old) : std::nullopt;
    std::string key = ReservationKey(review, *after);
    AddChange(scope, view, {std::move(*after), std::move(before), std::move(key)});
  }
  for (const kube::InferenceService* service : services) {
    auto after = kube::WorkloadOf(*service, model);
    if (!after || service->meta.deleting) continue;
    ours = ours || Ours(*after, view);
    auto before = old ? kube::WorkloadOf(*service, *old) : std::nullopt;
    const std::string key = after->Key();
    AddChange(scope, view, {std::move(*after), std::move(before), key});
  }
  const bool same_budget = old && SameBudget(old->budget, model.budget);
  if (!ours || same_budget) return;
  if (auto checked = estimator::CheckBudgetTexts(model.budget); !checked) {
    scope.budget_error = checked.error();
  }
}

void ScopeService(const Review& review, const View& view, Scope& scope) {
  kube::InferenceService service = kube::DecodeInferenceService(review.object);
  CompleteMeta(review, service.meta);
  const std::string model_key = service.meta.ns + "/" + service.model_ref;
  const kube::Model* model = view.FindModel(model_key);
  if (model == nullptr) {
    scope.warnings.push_back("Model " + model_key +
                             " does not exist yet: memory is checked when it is created");
    return;
  }
  auto after = kube::WorkloadOf(service, *model);
  if (!after) return;
  std::optional<kube::Workload> before;
  if (review.old_object.IsObject()) {
    kube::InferenceService old = kube::DecodeInferenceService(review.old_object);
    CompleteMeta(review, old.meta);
    const kube::Model* old_model = view.FindModel(old.meta.ns + "/" + old.model_ref);
    if (old_model != nullptr) before = kube::WorkloadOf(old, *old_model);
  }
  std::string key = ReservationKey(review, *after);
  AddChange(scope, view, {std::move(*after), std::move(before), std::move(key)});
}

}  // namespace

Growth CompareWorkloads(const kube::Workload& before, const kube::Workload& after) {
  const bool same_place = before.node_name == after.node_name &&
                          before.node_selector == after.node_selector &&
                          before.accelerator == after.accelerator;
  const bool same_file = before.source == after.source && before.sha256 == after.sha256 &&
                         before.spec.mmproj == after.spec.mmproj &&
                         before.spec.runtime == after.spec.runtime;
  if (!same_place || !same_file || !SameBudget(before.budget, after.budget)) return Growth::kMoved;
  // Before the options are read: what was stored with options that do not parse must still take
  // labels and finalizers.
  if (before.spec == after.spec) return Growth::kNone;
  const auto old_options = kube::ServingOptionsOf(before);
  const auto new_options = kube::ServingOptionsOf(after);
  if (!old_options || !new_options) return Growth::kMoved;
  return NoMoreThan(*new_options, *old_options) ? Growth::kNone : Growth::kDepends;
}

void ExpectAdmitted(const Review& review, View& view, WallTime now) {
  // A generated name is not known yet, so nothing can refer to it either.
  if (!NotOurBusiness(review).empty() || review.name.empty()) return;
  if (review.resource == "models") {
    kube::Model model = kube::DecodeModel(review.object);
    CompleteMeta(review, model.meta);
    view.Expect(std::move(model), now);
  } else {
    kube::InferenceService service = kube::DecodeInferenceService(review.object);
    CompleteMeta(review, service.meta);
    view.Expect(std::move(service), now);
  }
}

Scope ScopeOf(const Review& review, const View& view) {
  Scope scope;
  scope.pass = NotOurBusiness(review);
  if (!scope.pass.empty()) return scope;
  if (review.resource == "models") {
    ScopeModel(review, view, scope);
  } else {
    ScopeService(review, view, scope);
  }
  if (scope.changes.empty() && !scope.budget_error) {
    scope.pass = review.operation == "UPDATE" ? "no growth" : "no workload of ours";
  }
  return scope;
}

}  // namespace headroom::webhook

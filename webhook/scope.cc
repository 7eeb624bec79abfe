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
  const bool service = review.resource == "inferenceservices";
  const bool scale = service && review.subresource == "scale";
  if (!review.subresource.empty() && !scale) return "subresource";
  if (!service && review.resource != "models") return "resource";
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
  // Newer API servers make the name up before they ask.
  const bool named = !workload.meta.name.ends_with('*');
  if (named || workload.meta.generate_name.empty()) return workload.Key();
  return GeneratedKey(workload.kind, workload.meta.ns, workload.meta.generate_name, review.uid);
}

void AddChanges(Scope& scope, const View& view, const kube::Workload& after,
                const std::optional<kube::Workload>& before, const std::string& key) {
  if (!Ours(after, view)) return;
  for (Change& change : ReplicaChanges(after, before, key)) {
    if (change.before && CompareWorkloads(*change.before, change.after) == Growth::kNone) continue;
    scope.changes.push_back(std::move(change));
  }
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
  scope.subject = kube::UnservedWorkload(model);
  const auto services = view.ServicesOf(model.meta.Key());
  bool ours = Ours(scope.subject, view);
  if (auto after = kube::WorkloadOf(model)) {
    const auto before = old ? kube::WorkloadOf(*old) : std::nullopt;
    AddChanges(scope, view, *after, before, ReservationKey(review, *after));
  }
  for (const kube::InferenceService* service : services) {
    const auto after = kube::WorkloadOf(*service, model);
    if (!after || service->meta.deleting) continue;
    ours = ours || Ours(*after, view);
    const auto before = old ? kube::WorkloadOf(*service, *old) : std::nullopt;
    AddChanges(scope, view, *after, before, after->Key());
  }
  const bool same_budget = old && SameBudget(old->budget, model.budget);
  if (!ours || same_budget) return;
  if (auto checked = estimator::CheckBudgetTexts(model.budget); !checked) {
    scope.budget_error = checked.error();
  }
}

// A service as the review would make it, and as it was.
struct ServicePair {
  kube::InferenceService after;
  std::optional<kube::InferenceService> before;
};

// A Scale carries only the number; the rest is the service's, which must be known for that.
std::optional<ServicePair> ScaledService(const Review& review, const View& view) {
  const kube::InferenceService* known = view.FindService(review.ns + "/" + review.name);
  if (known == nullptr) return std::nullopt;
  const auto scaled = [known](const Json& scale) {
    kube::InferenceService out = *known;
    out.serving.replicas = IntOr(scale, {"spec", "replicas"}, 0);
    out.serving.enabled = !out.serving.suspended && out.serving.replicas > 0;
    return out;
  };
  ServicePair pair{scaled(review.object), std::nullopt};
  if (review.old_object.IsObject()) pair.before = scaled(review.old_object);
  return pair;
}

std::optional<ServicePair> ReviewedService(const Review& review, const View& view) {
  if (!review.subresource.empty()) return ScaledService(review, view);
  ServicePair pair{kube::DecodeInferenceService(review.object), std::nullopt};
  CompleteMeta(review, pair.after.meta);
  if (review.old_object.IsObject()) {
    pair.before = kube::DecodeInferenceService(review.old_object);
    CompleteMeta(review, pair.before->meta);
  }
  return pair;
}

void ScopeService(const Review& review, const View& view, Scope& scope) {
  const auto pair = ReviewedService(review, view);
  if (!pair || pair->after.meta.deleting) return;
  const kube::InferenceService& service = pair->after;
  const std::string model_key = service.meta.ns + "/" + service.model_ref;
  const kube::Model* model = view.FindModel(model_key);
  if (model == nullptr) {
    scope.warnings.push_back("Model " + model_key +
                             " does not exist yet: memory is checked when it is created");
    return;
  }
  const auto after = kube::WorkloadOf(service, *model);
  if (!after) return;
  std::optional<kube::Workload> before;
  if (pair->before) {
    const kube::Model* old_model =
        view.FindModel(pair->before->meta.ns + "/" + pair->before->model_ref);
    if (old_model != nullptr) before = kube::WorkloadOf(*pair->before, *old_model);
  }
  AddChanges(scope, view, *after, before, ReservationKey(review, *after));
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

std::vector<Change> ReplicaChanges(const kube::Workload& after,
                                   const std::optional<kube::Workload>& before,
                                   const std::string& key) {
  std::vector<Change> changes;
  const int replicas_before = before ? ReplicasOf(*before) : 0;
  for (int replica = 1; replica <= ReplicasOf(after); ++replica) {
    changes.push_back({after, replica <= replicas_before ? before : std::nullopt,
                       LoadKey(key, replica), replica});
  }
  return changes;
}

void ExpectAdmitted(const Review& review, View& view, WallTime now) {
  // A generated name is not known yet, so nothing can refer to it either.
  if (!NotOurBusiness(review).empty() || review.name.empty()) return;
  if (review.resource == "models") {
    kube::Model model = kube::DecodeModel(review.object);
    CompleteMeta(review, model.meta);
    view.Expect(std::move(model), now);
  } else if (auto pair = ReviewedService(review, view)) {
    view.Expect(std::move(pair->after), now);
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

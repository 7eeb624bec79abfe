#include "webhook/scope.h"

#include "admission/growth.h"

namespace headroom::webhook {
namespace {

using admission::Growth;
using admission::LoadKey;
using admission::ReplicasOf;
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
  if (kube::IsDeleting(review.object) || kube::IsDeleting(review.old_object)) return "deleting";
  return "";
}

// The request is the authority on the namespace; a generated name is not known yet.
void CompleteMeta(const Review& review, kube::Meta& meta) {
  if (!review.ns.empty()) meta.ns = review.ns;
  if (meta.ns.empty()) meta.ns = "default";
  if (meta.name.empty()) meta.name = review.name;
  if (meta.name.empty()) meta.name = meta.generate_name + "*";
}

bool Ours(const kube::Workload& workload, const View& view) {
  return kube::IsOurs(workload, view.nodes());
}

std::string ReservationKey(const Review& review, const kube::Workload& workload) {
  // Newer API servers make the name up before they ask.
  const bool named = !workload.meta.name.ends_with('*');
  if (named || workload.meta.generate_name.empty()) return workload.Key();
  return admission::GeneratedKey(workload.kind, workload.meta.ns, workload.meta.generate_name,
                                 review.uid);
}

void AddChanges(Scope& scope, const View& view, kube::Workload after,
                std::optional<kube::Workload> before, const std::string& key) {
  if (!Ours(after, view)) return;
  for (Change& change : ReplicaChanges(std::move(after), std::move(before), key)) {
    const bool grows = !change.before ||
                       admission::CompareWorkloads(*change.before, change.after) != Growth::kNone;
    if (grows) scope.changes.push_back(std::move(change));
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
    const std::string key = ReservationKey(review, *after);
    AddChanges(scope, view, std::move(*after), old ? kube::WorkloadOf(*old) : std::nullopt, key);
  }
  for (const kube::InferenceService& service : services) {
    auto after = kube::WorkloadOf(service, model);
    if (!after || service.meta.deleting) continue;
    ours = ours || Ours(*after, view);
    const std::string key = after->Key();
    AddChanges(scope, view, std::move(*after), old ? kube::WorkloadOf(service, *old) : std::nullopt,
               key);
  }
  const bool same_budget = old && admission::SameBudget(old->budget, model.budget);
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
  const auto known = view.FindService(review.ns + "/" + review.name);
  if (!known) return std::nullopt;
  const auto scaled = [&known](const Json& scale) {
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
  const std::string model_key = ModelKeyOf(service);
  const auto model = view.FindModel(model_key);
  if (!model) {
    scope.warnings.push_back("Model " + model_key +
                             " does not exist yet: memory is checked when it is created");
    return;
  }
  auto after = kube::WorkloadOf(service, *model);
  if (!after) return;
  std::optional<kube::Workload> before;
  if (pair->before) {
    const auto old_model = view.FindModel(ModelKeyOf(*pair->before));
    if (old_model) before = kube::WorkloadOf(*pair->before, *old_model);
  }
  const std::string key = ReservationKey(review, *after);
  AddChanges(scope, view, std::move(*after), std::move(before), key);
}

}  // namespace

std::vector<Change> ReplicaChanges(kube::Workload after, std::optional<kube::Workload> before,
                                   const std::string& key) {
  std::vector<Change> changes;
  const int replicas = ReplicasOf(after), replicas_before = before ? ReplicasOf(*before) : 0;
  for (int replica = 1; replica < replicas; ++replica) {
    changes.push_back({after, replica <= replicas_before ? before : std::nullopt,
                       LoadKey(key, replica), replica});
  }
  if (replicas == 0) return changes;
  if (replicas > replicas_before) before.reset();
  changes.push_back({std::move(after), std::move(before), LoadKey(key, replicas), replicas});
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

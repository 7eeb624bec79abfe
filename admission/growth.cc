#include "admission/growth.h"

namespace headroom::admission {
namespace {

using estimator::ServingOptions;

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

}  // namespace

bool SameBudget(const estimator::BudgetTexts& a, const estimator::BudgetTexts& b) {
  return a.memory_budget == b.memory_budget && a.memory_fraction == b.memory_fraction;
}

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

bool Grows(const kube::Workload& before, const kube::Workload& after, const Sizing& sizing,
           const kube::Node* node) {
  const Growth growth = CompareWorkloads(before, after);
  if (growth != Growth::kDepends) return growth == Growth::kMoved;
  if (sizing.model == nullptr) return true;
  auto old_options = kube::ServingOptionsOf(before), new_options = kube::ServingOptionsOf(after);
  for (auto* options : {&*old_options, &*new_options}) {
    options->mmproj_bytes = sizing.mmproj_bytes;
    if (node != nullptr) options->runtime_version = node->capacity.runtime_version;
  }
  const auto was = sizing.Estimate(*old_options);
  const auto is = sizing.Estimate(*new_options);
  return !was || !is || is->footprint_bytes > was->footprint_bytes;
}

}  // namespace headroom::admission

#include "admission/request.h"

#include <algorithm>

#include "admission/replicas.h"
#include "common/quantity.h"

namespace headroom::admission {
namespace {

// When no target could take anything, whatever its size, then that is what to say, and not that the
// size is unknown because nobody could be asked.
bool NoneUsable(const Nodes& targets, WallTime now) {
  return std::none_of(targets.begin(), targets.end(), [now](const kube::Node* node) {
    return node->publishes && !estimator::IsStale(node->capacity, now);
  });
}

}  // namespace

estimator::Workload NameOf(const kube::Workload& workload, int replica) {
  const std::string key = workload.meta.Key();
  if (workload.kind == kube::Kind::kModel) return {"Model", key, ""};
  const int replicas = ReplicasOf(workload);
  const std::string which = replicas > 1 ? " (replica " + std::to_string(replica) + " of " +
                                               std::to_string(replicas) + ")"
                                         : "";
  return {"InferenceService", key + which, key};
}

estimator::FieldNames FieldsOf(const kube::Workload& workload) {
  if (workload.kind == kube::Kind::kModel) return {};
  return {.context = "spec.contextSize",
          .cache_type_k = "spec.cacheTypeK",
          .cache_type_v = "spec.cacheTypeV",
          .node = "annotation headroom.dev/node",
          .source = "spec.modelRef",
          .prompt_cache = "spec.extraArgs --cache-ram"};
}

Nodes TargetsOf(const kube::Workload& workload, const Nodes& all) {
  Nodes targets = kube::TargetNodes(workload, all);
  if (workload.claimed_by.empty()) return targets;
  for (const kube::Node* node : targets) {
    if (node->meta.name == workload.claimed_by) return {node};
  }
  return targets;
}

Result<estimator::Footprint> Sizing::Estimate(const estimator::ServingOptions& options) const {
  return footprints != nullptr ? footprints->For(options) : estimator::Estimate(*model, options);
}

uint64_t DeclaredSize(const kube::Workload& workload) {
  if (!workload.budget.memory_budget) return 0;
  const auto bytes = ParseQuantity(*workload.budget.memory_budget);
  return bytes ? *bytes : 0;
}

uint64_t FootprintOn(const kube::Node& node, const kube::Workload& workload, const Sizing& sizing) {
  if (sizing.model == nullptr) return DeclaredSize(workload);
  auto options = kube::ServingOptionsOf(workload);
  if (!options) return 0;
  options->mmproj_bytes = sizing.mmproj_bytes;
  options->runtime_version = node.capacity.runtime_version;
  const auto footprint = sizing.Estimate(*options);
  return footprint ? footprint->footprint_bytes : 0;
}

estimator::Request RequestFor(const kube::Workload& workload,
                              const estimator::ServingOptions& options, const Sizing& sizing,
                              const Nodes& targets, WallTime now) {
  static const estimator::ModelFile kAnySize;
  estimator::Request request;
  request.workload = NameOf(workload);
  request.fields = FieldsOf(workload);
  request.source = sizing.source;
  request.header_bytes_read = sizing.bytes_read;
  request.file_on_node = sizing.file_on_node;
  request.model = sizing.model;
  if (sizing.model == nullptr && NoneUsable(targets, now)) request.model = &kAnySize;
  request.footprints = sizing.footprints;
  request.unknown.why = sizing.pending ? estimator::UnknownSize::Why::kPending
                                       : estimator::UnknownSize::Why::kUnreadable;
  request.unknown.reason = sizing.reason;
  request.serving = options;
  request.context_default = kube::ContextIsDefault(workload, options);
  request.budget = workload.budget;
  request.now = now;
  return request;
}

estimator::Verdict Refusal(const kube::Workload& workload, estimator::Rule rule,
                           std::string detail) {
  estimator::Verdict verdict;
  verdict.rule = rule;
  verdict.workload = NameOf(workload);
  verdict.fields = FieldsOf(workload);
  verdict.detail = std::move(detail);
  return verdict;
}

}  // namespace headroom::admission

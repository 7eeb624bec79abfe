#include "cli/fleet/judge.h"

#include <algorithm>

#include "common/checked.h"
#include "common/quantity.h"
#include "estimator/commitments.h"

namespace headroom::cli {
namespace {

using Nodes = std::vector<const kube::Node*>;

estimator::Workload NameOf(const kube::Workload& workload) {
  const std::string key = workload.meta.Key();
  if (workload.kind == kube::Kind::kModel) return {"Model", key, ""};
  return {"InferenceService", key, key};
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

// Where it runs already it stays: another node's room does not help.
Nodes TargetsOf(const Fleet& fleet, const kube::Workload& workload) {
  Nodes targets = kube::TargetNodes(workload, fleet.nodes());
  for (const kube::Node* node : targets) {
    if (node->meta.name == workload.claimed_by) return {node};
  }
  return targets;
}

bool NoneUsable(const Nodes& targets, WallTime now) {
  return std::none_of(targets.begin(), targets.end(), [now](const kube::Node* node) {
    return node->publishes && !estimator::IsStale(node->capacity, now);
  });
}

// A projector given as a bare name lies beside its model.
std::string ProjectorSource(const std::string& mmproj, const std::string& model) {
  const bool bare = mmproj.find("://") == std::string::npos && !mmproj.starts_with('/');
  const size_t slash = model.rfind('/');
  return bare && slash != std::string::npos ? model.substr(0, slash + 1) + mmproj : mmproj;
}

bool SameTexts(const estimator::BudgetTexts& a, const estimator::BudgetTexts& b) {
  return a.memory_budget == b.memory_budget && a.memory_fraction == b.memory_fraction;
}

}  // namespace

estimator::Verdict Refusal(const kube::Workload& workload, estimator::Rule rule,
                           const Error& error) {
  estimator::Verdict verdict;
  verdict.rule = rule;
  verdict.workload = NameOf(workload);
  verdict.fields = FieldsOf(workload);
  verdict.detail = error.message();
  return verdict;
}

const Result<sources::ModelHeader>& Judge::Header(const std::string& source, const Nodes& targets) {
  // A file on nodes may differ from node to node.
  std::string key = source;
  if (source.starts_with('/') || source.starts_with("file:")) {
    for (const kube::Node* node : targets) key += "\n" + node->meta.name;
  }
  const auto known = headers_.find(key);
  if (known != headers_.end()) return known->second;
  return headers_.emplace(key, read_(source, targets)).first->second;
}

Judge::Size Judge::SizeOf(const kube::Workload& workload, const Nodes& targets) {
  const auto& header = Header(workload.source, targets);
  if (!header) return {nullptr, 0, header.error().message()};
  if (header->projector) {
    return {nullptr, 0, "spec.source: is a projector (mmproj) and no language model"};
  }
  if (workload.spec.mmproj.empty()) return {&*header, 0, ""};
  const auto& projector = Header(ProjectorSource(workload.spec.mmproj, workload.source), targets);
  if (!projector) return {nullptr, 0, "mmproj: " + projector.error().message()};
  return {&*header, projector->model.file_bytes, ""};
}

uint64_t Judge::FootprintOf(const kube::Workload& workload, const kube::Node& node) {
  if (workload.claimed_footprint) return *workload.claimed_footprint;
  const Size size = SizeOf(workload, {&node});
  auto options = kube::ServingOptionsOf(workload);
  if (size.header != nullptr && options) {
    options->mmproj_bytes = size.mmproj_bytes;
    options->runtime_version = node.capacity.runtime_version;
    const auto footprint = estimator::Estimate(size.header->model, *options);
    if (footprint) return footprint->footprint_bytes;
  }
  if (!workload.budget.memory_budget) return 0;
  const auto declared = ParseQuantity(*workload.budget.memory_budget);
  return declared ? *declared : 0;
}

estimator::Candidate Judge::CandidateFor(const Fleet& fleet, const kube::Node& node,
                                         const std::string& key) {
  estimator::Candidate candidate{.node = node.capacity, .occupants = {}, .other_bytes = 0};
  candidate.node.name = node.meta.name;
  const auto add = [&](const std::string& name, uint64_t bytes) {
    if (bytes > 0) candidate.occupants.push_back({name, bytes});
  };
  estimator::Commitments reported(node.capacity);
  for (const Wanted& one : fleet.wanted()) {
    const std::string other = one.workload.Key();
    if (one.node != node.meta.name) continue;
    const uint64_t seen = reported.Take(other);
    if (other == key || promises_.count(other) > 0) continue;
    add(one.workload.meta.Key(), std::max(FootprintOf(one.workload, node), seen));
  }
  for (const auto& [other, bytes] : reported.left()) {
    if (other != key && promises_.count(other) == 0) add(estimator::NameOfKey(other), bytes);
  }
  for (const auto& [other, promise] : promises_) {
    if (other != key && promise.node == node.meta.name) add(promise.name, promise.bytes);
  }
  candidate.other_bytes = reported.Unnamed();
  return candidate;
}

bool Judge::Grows(const Fleet& fleet, const kube::Workload& before, const kube::Workload& after) {
  const bool same_place = before.node_name == after.node_name &&
                          before.node_selector == after.node_selector &&
                          before.accelerator == after.accelerator;
  const bool same_file = before.source == after.source && before.sha256 == after.sha256 &&
                         before.spec.mmproj == after.spec.mmproj;
  if (!same_place || !same_file || !SameTexts(before.budget, after.budget)) return true;
  if (before.spec == after.spec) return false;
  const Nodes targets = TargetsOf(fleet, after);
  const Size size = SizeOf(after, targets);
  auto old_options = kube::ServingOptionsOf(before), new_options = kube::ServingOptionsOf(after);
  if (size.header == nullptr || !old_options || !new_options) return true;
  for (auto* options : {&*old_options, &*new_options}) {
    options->mmproj_bytes = size.mmproj_bytes;
    if (!targets.empty()) options->runtime_version = targets[0]->capacity.runtime_version;
  }
  const auto was = estimator::Estimate(size.header->model, *old_options);
  const auto is = estimator::Estimate(size.header->model, *new_options);
  return !was || !is || is->footprint_bytes > was->footprint_bytes;
}

estimator::Verdict Judge::Decide(const Fleet& fleet, const kube::Workload& workload) {
  auto options = kube::ServingOptionsOf(workload);
  if (!options) return Refusal(workload, estimator::Rule::kRefused, options.error());
  const Nodes targets = TargetsOf(fleet, workload);
  const Size size = SizeOf(workload, targets);
  options->mmproj_bytes = size.mmproj_bytes;
  estimator::Request request;
  request.workload = NameOf(workload);
  request.fields = FieldsOf(workload);
  if (const auto source = sources::ParseSource(workload.source)) {
    request.source = Describe(*source);
    request.file_on_node = source->where == sources::Source::Where::kNodeFile;
  }
  static const estimator::ModelFile kAnySize;
  if (size.header != nullptr) {
    request.model = &size.header->model;
    request.header_bytes_read = size.header->bytes_read;
  } else if (NoneUsable(targets, settings_.now)) {
    request.model = &kAnySize;  // that no node is usable is the better thing to say
  }
  request.unknown.reason = size.reason;
  request.allow_unknown = settings_.allow_unknown;
  request.serving = *options;
  request.budget = workload.budget;
  request.now = settings_.now;
  const std::string key = workload.Key();
  for (const kube::Node* node : targets) {
    request.candidates.push_back(CandidateFor(fleet, *node, key));
  }
  estimator::Verdict verdict = estimator::Decide(request);
  if (verdict.allowed) return verdict;
  for (const kube::Node* node : fleet.nodes()) {
    const bool target = std::find(targets.begin(), targets.end(), node) != targets.end();
    if (node->publishes && !target) {
      request.others.push_back(CandidateFor(fleet, *node, key));
    }
  }
  return request.others.empty() ? verdict : estimator::Decide(request);
}

void Judge::Promised(const kube::Workload& workload, const estimator::Verdict& verdict) {
  const estimator::CandidateView* chosen = verdict.Chosen();
  if (chosen == nullptr || verdict.FootprintBytes() == 0) return;
  promises_[workload.Key()] = {workload.Key(), workload.meta.Key(), chosen->node,
                               verdict.FootprintBytes()};
}

}  // namespace headroom::cli

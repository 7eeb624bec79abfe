#include "cli/fleet/judge.h"

#include <algorithm>

#include "admission/growth.h"
#include "admission/occupancy.h"

namespace headroom::cli {
namespace {

using admission::Nodes;
using admission::Sizing;

// A projector given as a bare name lies beside its model.
std::string ProjectorSource(const std::string& mmproj, const std::string& model) {
  const auto beside = sources::ParseSource(model);
  const auto projector = beside ? sources::ParseBeside(mmproj, *beside) : beside;
  return projector ? projector->text : mmproj;
}

}  // namespace

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

Sizing Judge::SizeOf(const kube::Workload& workload, const Nodes& targets) {
  Sizing sizing;
  sizing.reason = kube::UnestimatedReason(workload);
  if (!sizing.reason.empty()) return sizing;
  if (const auto source = sources::ParseSource(workload.source)) {
    sizing.source = Describe(*source);
    sizing.file_on_node = source->where == sources::Source::Where::kNodeFile;
  }
  const auto& header = Header(workload.source, targets);
  if (!header) {
    sizing.reason = header.error().message();
    return sizing;
  }
  if (header->projector) {
    sizing.reason = "spec.source: is a projector (mmproj) and no language model";
    return sizing;
  }
  if (!workload.spec.mmproj.empty()) {
    const auto& projector = Header(ProjectorSource(workload.spec.mmproj, workload.source), targets);
    if (!projector) {
      sizing.reason = "mmproj: " + projector.error().message();
      return sizing;
    }
    sizing.mmproj_bytes = projector->model.file_bytes;
  }
  sizing.model = &header->model;
  sizing.bytes_read = header->bytes_read;
  return sizing;
}

uint64_t Judge::FootprintOf(const kube::Workload& workload, const kube::Node& node) {
  if (workload.claimed_footprint) return *workload.claimed_footprint;
  return admission::FootprintOn(node, workload, SizeOf(workload, {&node}));
}

estimator::Candidate Judge::CandidateFor(const Fleet& fleet, const kube::Node& node,
                                         const std::string& key) {
  const auto promised = [this](const std::string& other) { return promises_.contains(other); };
  admission::Occupancy on(node, key);
  for (const Wanted& one : fleet.wanted()) {
    const std::string other = one.workload.Key();
    if (one.node != node.meta.name) continue;
    const uint64_t seen = on.TakeReported(other);
    if (other == key || promised(other)) continue;
    on.Add(other, one.workload.meta.Key(), std::max(FootprintOf(one.workload, node), seen));
  }
  on.AddReported(promised);
  for (const auto& [other, promise] : promises_) {
    if (promise.node == node.meta.name) on.Add(other, promise.name, promise.bytes);
  }
  return on.Take();
}

bool Judge::Grows(const Fleet& fleet, const kube::Workload& before, const kube::Workload& after) {
  // Before a header is read for nothing.
  if (admission::CompareWorkloads(before, after) == admission::Growth::kNone) return false;
  const Nodes targets = admission::TargetsOf(after, fleet.nodes());
  return admission::Grows(before, after, SizeOf(after, targets),
                          targets.empty() ? nullptr : targets[0]);
}

estimator::Verdict Judge::Decide(const Fleet& fleet, const kube::Workload& workload) {
  auto options = kube::ServingOptionsOf(workload);
  if (!options) {
    return admission::Refusal(workload, estimator::Rule::kRefused, options.error().message());
  }
  const Nodes targets = admission::TargetsOf(workload, fleet.nodes());
  const Sizing sizing = SizeOf(workload, targets);
  options->mmproj_bytes = sizing.mmproj_bytes;
  estimator::Request request =
      admission::RequestFor(workload, *options, sizing, targets, settings_.now);
  request.allow_unknown = settings_.allow_unknown;
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

#include "exporter/models/preflight.h"

namespace headroom::exporter {

estimator::Verdict Preflight(const PreflightInput& input) {
  const kube::Workload& workload = *input.workload;
  estimator::Request request;
  request.workload.kind = kube::TypeOf(workload.kind).kind;
  request.workload.name = workload.meta.Key();
  if (workload.kind == kube::Kind::kInferenceService) {
    request.workload.service = workload.meta.Key();
    request.fields = {.context = "spec.contextSize",
                      .cache_type_k = "spec.cacheTypeK",
                      .cache_type_v = "spec.cacheTypeV",
                      .node = "metadata.annotations[headroom.dev/node]",
                      .source = "spec.source"};
  }
  request.source = workload.source;
  request.serving = input.serving;
  request.budget = workload.budget;
  if (input.header != nullptr) {
    request.header_bytes_read = input.header->bytes_read;
    request.model = &input.header->model;
  } else {
    request.unknown.reason = kube::UnestimatedReason(workload);
    if (!request.budget.memory_budget && input.declared) {
      request.budget.memory_budget = std::to_string(*input.declared);
    }
  }
  request.preflight = true;
  request.now = input.now;

  estimator::Candidate self{.node = input.node, .occupants = input.occupants};
  self.node.observed_at = input.now;  // it is us
  self.node.schedulable = true;       // being asked to run it, we were chosen
  request.candidates.push_back(std::move(self));
  return estimator::Decide(request);
}

Result<estimator::ServingOptions> NodeServing(const kube::Workload& workload,
                                              const std::string& accelerator,
                                              const std::string& runtime_version,
                                              uint64_t mmproj_bytes) {
  auto serving = kube::ServingOptionsOf(workload);
  if (!serving) return serving.error();
  serving->device = accelerator == "metal" ? estimator::Device::kMetal : estimator::Device::kCpu;
  serving->runtime_version = runtime_version;
  serving->mmproj_bytes = mmproj_bytes;
  return serving;
}

}  // namespace headroom::exporter

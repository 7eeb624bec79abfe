// A workload is one llama-server to be run: a Model with spec.serving, or an InferenceService and
// the Model it names. Joins and bindings are decided here, for the webhook, the node and the CLI.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "estimator/serving.h"
#include "kube/objects.h"

namespace headroom::kube {

struct Workload {
  Kind kind = Kind::kModel;  // of the object that asks for it (and that is claimed)
  Meta meta;                 // of that object
  std::string model_key;     // "namespace/name" of the Model
  std::string source, sha256;
  std::string source_secret;  // name of a Secret in the same namespace, "" = none
  std::string accelerator;
  std::string format;  // of the file: "gguf" unless the Model says otherwise
  estimator::BudgetTexts budget;
  std::string node_name;  // explicit binding, "" = none
  std::map<std::string, std::string, std::less<>> node_selector;
  ServingSpec spec;
  std::string claimed_by;                     // annotation, "" = unclaimed
  std::optional<uint64_t> claimed_footprint;  // bytes, from the claim

  // "Model default/llama" or "InferenceService team-a/chat (Model team-a/llama)".
  std::string Describe() const;
  std::string Key() const;  // "Model/ns/name": unique over kinds
};

// What a Model brings to any workload of it: source, target, budget; not how it is served. By
// itself it runs nowhere: to ask whether the Model is ours.
Workload UnservedWorkload(const Model& model);

// The workload of a Model (nullopt when it has no spec.serving or it is disabled), and of a
// service and its Model (nullopt when suspended, scaled to zero, or for another runtime).
std::optional<Workload> WorkloadOf(const Model& model);
std::optional<Workload> WorkloadOf(const InferenceService& service, const Model& model);

// Serving options for the estimator, extraArgs included. LLMKube's defaults for services
// (contextSize 2048, flash attention on); llama-server's for Model.spec.serving.
Result<estimator::ServingOptions> ServingOptionsOf(const Workload& workload);

// Why nobody estimates this workload's footprint: another server than llama-server runs it. "" = it
// is estimated.
std::string UnestimatedReason(const Workload& workload);

// True when the options hold a default context of a manifest that names none.
bool ContextIsDefault(const Workload& workload, const estimator::ServingOptions& options);

// Rule 0 of docs/admission.md: metal, or bound to a node that publishes our annotations.
bool IsOurs(const Workload& workload, const std::vector<const Node*>& nodes);

// The nodes a workload may run on: the named one; else those that match the selector; else every
// publishing node with accelerator metal (any publishing node where none has metal and the
// workload itself does not ask for metal).
std::vector<const Node*> TargetNodes(const Workload& workload,
                                     const std::vector<const Node*>& nodes);

}  // namespace headroom::kube

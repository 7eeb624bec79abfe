#include "kube/objects.h"

#include <algorithm>

#include "kube/json_map.h"
#include "kube/serving_spec.h"

namespace headroom::kube {
namespace {

constexpr std::string_view kInference = "inference.llmkube.dev/v1alpha1";

// memoryBudget and memoryFraction keep their text whatever its type, so that the estimator can
// refuse it with the field path. "" is what a Go client writes for "unset".
std::optional<std::string> TextAsWritten(const Json& object, JsonPath path) {
  const Json* value = object.Find(path);
  if (value == nullptr || value->IsNull()) return std::nullopt;
  std::string text = ScalarText(*value);
  if (text.empty()) return std::nullopt;
  return text;
}

// files[0], where it is given, lies below source: in a repository or under a prefix. A revision
// stays at the end.
std::string SourceOf(const Json& object) {
  std::string source = StringOr(object, {"spec", "source"});
  const auto files = GetStrings(object, {"spec", "files"});
  if (!files || files->empty() || source.empty()) return source;
  std::string revision;
  if (source.starts_with("hf://")) {
    const size_t at = std::min(source.rfind('@'), source.size());
    revision = source.substr(at);
    source.resize(at);
  }
  if (source.back() != '/') source += '/';
  return source + files->front() + revision;
}

std::string BoundNode(const Json& object, const Meta& meta) {
  std::string name = StringOr(object, {"spec", "nodeName"});
  if (!name.empty()) return name;
  const auto it = meta.annotations.find(kNodeAnnotation);
  return it == meta.annotations.end() ? "" : it->second;
}

}  // namespace

const ResourceType& TypeOf(Kind kind) {
  static constexpr ResourceType kNode{"v1", "nodes", "Node", false};
  static constexpr ResourceType kModel{kInference, "models", "Model", true};
  static constexpr ResourceType kService{kInference, "inferenceservices", "InferenceService", true};
  switch (kind) {
    case Kind::kNode: return kNode;
    case Kind::kModel: return kModel;
    case Kind::kInferenceService: return kService;
  }
  return kNode;
}

const JsonFields& DecodedFields() {
  static const JsonFields fields{
      "apiVersion", "kind", "metadata.name", "metadata.namespace", "metadata.uid",
      "metadata.resourceVersion", "metadata.generateName", "metadata.generation",
      "metadata.deletionTimestamp", "metadata.creationTimestamp", "metadata.labels",
      "metadata.annotations",
      // Model
      "spec.source", "spec.files", "spec.sourceSecretRef.name", "spec.sha256", "spec.mmproj",
      "spec.format", "spec.hardware.accelerator", "spec.hardware.memoryBudget",
      "spec.hardware.memoryFraction", "spec.hardware.gpu.layers", "spec.nodeName",
      "spec.nodeSelector", "spec.serving",
      // InferenceService, and its scale subresource
      "spec.modelRef", "spec.contextSize", "spec.parallelSlots", "spec.batchSize",
      "spec.uBatchSize", "spec.flashAttention", "spec.cacheTypeK", "spec.cacheTypeV",
      "spec.cacheTypeCustomK", "spec.cacheTypeCustomV", "spec.mode", "spec.runtime",
      "spec.priority", "spec.evictionProtection", "spec.extraArgs", "spec.ropeScaling",
      "spec.moeCPUOffload", "spec.moeCPULayers", "spec.noKvOffload", "spec.noWarmup", "spec.jinja",
      "spec.reasoningBudget", "spec.reasoningBudgetMessage", "spec.tensorOverrides",
      "spec.metadataOverrides", "spec.replicas", "spec.suspend",
      // Node
      "spec.unschedulable", "status.conditions.type", "status.conditions.status",
      "status.addresses.address"};
  return fields;
}

bool IsDeleting(const Json& object) {
  const Json* deleted = object.Find({"metadata", "deletionTimestamp"});
  return deleted != nullptr && !deleted->IsNull();
}

Meta DecodeMeta(const Json& object) {
  Meta meta;
  const Json* metadata = object.Find("metadata");
  if (metadata == nullptr) return meta;
  meta.name = StringOr(*metadata, {"name"});
  meta.ns = StringOr(*metadata, {"namespace"});
  meta.uid = StringOr(*metadata, {"uid"});
  meta.resource_version = StringOr(*metadata, {"resourceVersion"});
  meta.generate_name = StringOr(*metadata, {"generateName"});
  meta.generation = IntOr(*metadata, {"generation"}, 0);
  meta.deleting = IsDeleting(object);
  if (const auto created = ParseRfc3339(StringOr(*metadata, {"creationTimestamp"}))) {
    meta.created = *created;
  }
  meta.labels = DecodeStringMap(metadata->Find("labels"));
  meta.annotations = DecodeStringMap(metadata->Find("annotations"));
  return meta;
}

Model DecodeModel(const Json& object) {
  Model model;
  model.meta = DecodeMeta(object);
  model.source = SourceOf(object);
  model.source_secret = StringOr(object, {"spec", "sourceSecretRef", "name"});
  model.sha256 = StringOr(object, {"spec", "sha256"});
  model.mmproj = StringOr(object, {"spec", "mmproj"});
  model.accelerator = StringOr(object, {"spec", "hardware", "accelerator"});
  model.format = StringOr(object, {"spec", "format"}, "gguf");
  model.budget.memory_budget = TextAsWritten(object, {"spec", "hardware", "memoryBudget"});
  model.budget.memory_fraction = TextAsWritten(object, {"spec", "hardware", "memoryFraction"});
  model.node_name = BoundNode(object, model.meta);
  model.node_selector = DecodeStringMap(object.Find({"spec", "nodeSelector"}));
  const Json* layers = object.Find({"spec", "hardware", "gpu", "layers"});
  if (layers != nullptr) model.gpu_layers = layers->AsInt();
  const Json* serving = object.Find({"spec", "serving"});
  if (serving != nullptr && !serving->IsNull()) {
    model.serving = DecodeModelServing(*serving);
    model.serving->gpu_layers = model.gpu_layers;
  }
  return model;
}

InferenceService DecodeInferenceService(const Json& object) {
  InferenceService service;
  service.meta = DecodeMeta(object);
  service.model_ref = StringOr(object, {"spec", "modelRef"});
  service.node_name = BoundNode(object, service.meta);
  service.node_selector = DecodeStringMap(object.Find({"spec", "nodeSelector"}));
  const Json* spec = object.Find("spec");
  service.serving = DecodeServiceServing(spec != nullptr ? *spec : Json());
  return service;
}

}  // namespace headroom::kube

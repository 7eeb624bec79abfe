// Typed, lenient views of the API objects we read. Decoding never fails on unknown fields; a field
// of the wrong type is reported where it matters to memory (budget, fraction) and ignored
// elsewhere. Schema: LLMKube inference.llmkube.dev/v1alpha1 plus our additive fields.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/json_fields.h"
#include "common/result.h"
#include "estimator/budget.h"

namespace headroom::kube {

// Annotation and label keys of ours, one place.
inline constexpr std::string_view kPrefix = "headroom.dev/";
inline constexpr std::string_view kNodeAnnotation = "headroom.dev/node";             // binding
inline constexpr std::string_view kClaimedByAnnotation = "headroom.dev/claimed-by";  // node name
// Bytes the claim was made for, so that a webhook that did not see the admission knows them.
inline constexpr std::string_view kFootprintAnnotation = "headroom.dev/footprint-bytes";

struct Meta {
  std::string name, ns, uid, resource_version, generate_name;
  int64_t generation = 0;
  bool deleting = false;            // deletionTimestamp is set
  std::optional<WallTime> created;  // creationTimestamp; objects in files have none
  std::map<std::string, std::string, std::less<>> labels, annotations;
  std::string Key() const { return ns + "/" + name; }
};
Meta DecodeMeta(const Json& object);
bool IsDeleting(const Json& object);  // Meta::deleting alone

// Every field that the decoders below read: the rest of an object need not be stored.
const JsonFields& DecodedFields();

// Which kinds we watch; plural and group for URL paths.
enum class Kind { kNode, kModel, kInferenceService };
struct ResourceType {
  std::string_view group_version;  // "v1", "inference.llmkube.dev/v1alpha1"
  std::string_view plural, kind;
  bool namespaced;
};
const ResourceType& TypeOf(Kind kind);
inline constexpr ResourceType kLeaseType{"coordination.k8s.io/v1", "leases", "Lease", true};
inline constexpr ResourceType kSecretType{"v1", "secrets", "Secret", true};
inline constexpr ResourceType kValidatingWebhookType{"admissionregistration.k8s.io/v1",
                                                     "validatingwebhookconfigurations",
                                                     "ValidatingWebhookConfiguration", false};
inline constexpr ResourceType kEventType{"v1", "events", "Event", true};
inline constexpr ResourceType kServiceType{"v1", "services", "Service", true};
inline constexpr ResourceType kEndpointSliceType{"discovery.k8s.io/v1", "endpointslices",
                                                 "EndpointSlice", true};

// How a workload is served: Model.spec.serving or InferenceService.spec, field for field as text or
// number; unset means llama-server's (or LLMKube's) default.
struct ServingSpec {
  std::optional<int64_t> context_size, parallel_slots, batch_size, ubatch_size;
  std::optional<int64_t> prompt_cache_mib, context_checkpoints, port;
  std::optional<int64_t> gpu_layers;  // of the Model's hardware.gpu; 0 is LLMKube's "unset"
  std::optional<bool> flash_attention, mmap;
  std::string cache_type_k, cache_type_v, mmproj, mode, priority;
  std::string runtime;  // "" = llama-server; else another model server (kube/runtimes.h)
  // Arguments of the fields that only pass through (ropeScaling, jinja, mode, ...), then extraArgs.
  std::vector<std::string> extra_args;
  bool eviction_protection = false;
  bool enabled = true;  // Model.spec.serving.enabled; not suspended and replicas > 0 for services
  int64_t replicas = 1;
  bool suspended = false;     // services only
  std::string path = "spec";  // where the fields stand, for error texts
  std::string problem;        // the first field of a wrong type, "" = none

  friend bool operator==(const ServingSpec&, const ServingSpec&) = default;
};

struct Model {
  Meta meta;
  std::string source;  // of the primary file: files[0] below spec.source, or spec.source itself
  std::string source_secret;                // of spec.sourceSecretRef, "" = none
  std::string sha256, mmproj, accelerator;  // accelerator as written; "" = unset
  std::string format;                       // "gguf" unless set
  estimator::BudgetTexts budget;            // memoryBudget, memoryFraction as written
  std::string node_name;                    // spec.nodeName, else the annotation
  std::map<std::string, std::string, std::less<>> node_selector;
  std::optional<int64_t> gpu_layers;
  std::optional<ServingSpec> serving;
};
Model DecodeModel(const Json& object);

struct InferenceService {
  Meta meta;
  std::string model_ref, node_name;
  std::map<std::string, std::string, std::less<>> node_selector;
  ServingSpec serving;
};
InferenceService DecodeInferenceService(const Json& object);

struct Node {
  Meta meta;
  bool publishes = false;              // carries our annotations
  std::vector<std::string> addresses;  // status.addresses: IP addresses and names
  estimator::NodeCapacity capacity;
};
// Annotation values that are missing or do not parse make `capacity` carry the problem text
// (HR-201).
Node DecodeNode(const Json& object);
// The inverse: the annotations an exporter publishes for a capacity.
std::map<std::string, std::string> EncodeAnnotations(const estimator::NodeCapacity& capacity);
// Every key EncodeAnnotations() may set, so that a publisher can remove what no longer holds.
const std::vector<std::string>& NodeAnnotationKeys();

}  // namespace headroom::kube

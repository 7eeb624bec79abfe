// Objects and reviews for the webhook's tests, short to write.
#pragma once

#include <string>

#include "common/json.h"
#include "common/time.h"
#include "estimator/gguf/reader.h"
#include "estimator/model.h"
#include "kube/object_feed.h"
#include "sources/header_source.h"
#include "tests/tools/tiny_models.h"

namespace headroom::webhook::testing {

inline const WallTime kNow = *ParseRfc3339("2026-01-02T03:04:05Z");
inline constexpr uint64_t kGiB = 1ull << 30;

struct NodeSpec {
  std::string name = "mac-1";
  uint64_t budget = 4 * kGiB;
  uint64_t committed = 0;
  std::string commitments = "";
  std::string metrics_address = "127.0.0.1:1";
  WallTime observed_at = kNow;
};

inline Json NodeObject(const NodeSpec& spec) {
  Json node = Json::MakeObject();
  node.Set("apiVersion", "v1");
  node.Set("kind", "Node");
  node.Make({"metadata", "name"}) = spec.name;
  node.Make({"metadata", "labels", "kubernetes.io/hostname"}) = spec.name;
  Json& annotations = node.Make({"metadata", "annotations"});
  const std::pair<const char*, std::string> values[] = {
      {"memory-total", std::to_string(2 * spec.budget)},
      {"memory-budget", std::to_string(spec.budget)},
      {"memory-budget-source", "flag 0.50"},
      {"gpu-working-set", "0"},
      {"memory-available", std::to_string(2 * spec.budget)},
      {"memory-committed", std::to_string(spec.committed)},
      {"memory-committed-workloads", spec.commitments},
      {"memory-pressure", "normal"},
      {"accelerator", "metal"},
      {"metrics-address", spec.metrics_address},
      {"agent-version", "0.1.0"},
      {"observed-at", FormatRfc3339(spec.observed_at)},
  };
  for (const auto& [key, value] : values)
    annotations.Set(std::string("headroom.dev/") + key, value);
  return node;
}

// A metal Model; context 0 = no spec.serving.
inline Json ModelObject(const std::string& name, int64_t context,
                        const std::string& source = "/models/heavy.gguf") {
  Json model = Json::MakeObject();
  model.Set("apiVersion", "inference.llmkube.dev/v1alpha1");
  model.Set("kind", "Model");
  model.Make({"metadata", "name"}) = name;
  model.Make({"metadata", "namespace"}) = "team-a";
  model.Make({"spec", "source"}) = source;
  model.Make({"spec", "hardware", "accelerator"}) = "metal";
  if (context > 0) {
    Json& serving = model.Make({"spec", "serving"});
    serving.Set("contextSize", context);
    serving.Set("parallelSlots", 1);
    serving.Set("promptCacheMiB", 0);
    serving.Set("contextCheckpoints", 0);
  }
  return model;
}

inline Json ServiceObject(const std::string& name, const std::string& model, int64_t context) {
  Json service = Json::MakeObject();
  service.Set("apiVersion", "inference.llmkube.dev/v1alpha1");
  service.Set("kind", "InferenceService");
  service.Make({"metadata", "name"}) = name;
  service.Make({"metadata", "namespace"}) = "team-a";
  service.Make({"spec", "modelRef"}) = model;
  service.Make({"spec", "contextSize"}) = context;
  Json arguments = Json::MakeArray();
  for (const char* argument : {"--cache-ram", "0", "--ctx-checkpoints", "0"})
    arguments.Append(argument);
  service.Make({"spec", "extraArgs"}) = std::move(arguments);
  return service;
}

struct ReviewSpec {
  std::string operation = "CREATE";
  bool dry_run = false;
  std::string subresource = "";
  std::string uid = "b5f6c6b2-0001";
};

inline Json ReviewObject(const Json& object, const Json& old_object = {}, ReviewSpec spec = {}) {
  const std::string kind = StringOr(object, {"kind"});
  Json review = Json::MakeObject();
  review.Set("apiVersion", "admission.k8s.io/v1");
  review.Set("kind", "AdmissionReview");
  Json& request = review.Make({"request"});
  request.Set("uid", spec.uid);
  request.Make({"kind", "group"}) = "inference.llmkube.dev";
  request.Make({"kind", "version"}) = "v1alpha1";
  request.Make({"kind", "kind"}) = kind;
  request.Make({"resource", "group"}) = "inference.llmkube.dev";
  request.Make({"resource", "version"}) = "v1alpha1";
  request.Make({"resource", "resource"}) = kind == "Model" ? "models" : "inferenceservices";
  if (!spec.subresource.empty()) request.Set("subResource", spec.subresource);
  if (object.Find({"metadata", "name"}) != nullptr) {
    request.Set("name", StringOr(object, {"metadata", "name"}));
  }
  request.Set("namespace", "team-a");
  request.Set("operation", old_object.IsNull() ? spec.operation : "UPDATE");
  request.Make({"userInfo", "username"}) = "jane";
  request.Set("object", object);
  request.Set("oldObject", old_object);
  request.Set("dryRun", spec.dry_run);
  return review;
}

// The header of a writer's file, as a source would give it.
inline sources::ModelHeader HeaderOf(const headroom::testing::GgufWriter& writer) {
  estimator::GgufReader reader(writer.FileBytes());
  const std::string bytes = writer.Header();
  if (!reader.Feed(bytes)) std::abort();
  auto header = reader.Finish();
  auto model = estimator::DescribeModel({std::move(header.value())}, writer.FileBytes());
  sources::ModelHeader out;
  out.model = std::move(model.value());
  out.bytes_read = bytes.size();
  return out;
}

inline kube::ObjectEvent Upsert(Json object) {
  return {kube::ObjectEvent::Type::kUpsert, std::move(object)};
}
inline kube::ObjectEvent Deleted(Json object) {
  return {kube::ObjectEvent::Type::kDelete, std::move(object)};
}

}  // namespace headroom::webhook::testing

#include "exporter/node/node_document.h"

#include <sys/utsname.h>

#include <algorithm>
#include <thread>

#include "common/ascii.h"
#include "common/quantity.h"
#include "kube/objects.h"

namespace headroom::exporter {
namespace {

using estimator::NodeCapacity;

Json Object(std::initializer_list<std::pair<const char*, Json>> members) {
  Json out = Json::MakeObject();
  for (const auto& [name, value] : members) out.Set(name, value);
  return out;
}

Json Annotations(const NodeCapacity& capacity) {
  Json out = Json::MakeObject();
  for (const auto& [key, value] : kube::EncodeAnnotations(capacity)) out.Set(key, value);
  return out;
}

const Json* FindCondition(const Json& node, std::string_view type) {
  const Json* conditions = node.Find({"status", "conditions"});
  if (conditions == nullptr || conditions->AsArray() == nullptr) return nullptr;
  for (const Json& condition : *conditions->AsArray()) {
    if (StringOr(condition, {"type"}) == type) return &condition;
  }
  return nullptr;
}

struct Condition {
  const char *type, *status, *reason, *message;
};

Json ConditionDocument(const Condition& condition, const Json& previous, WallTime now) {
  const std::string time = FormatRfc3339(now);
  std::string since = time;
  const Json* before = FindCondition(previous, condition.type);
  if (before != nullptr && StringOr(*before, {"status"}) == condition.status) {
    since = StringOr(*before, {"lastTransitionTime"}, time);
  }
  return Object({{"type", condition.type},
                 {"status", condition.status},
                 {"lastHeartbeatTime", time},
                 {"lastTransitionTime", since},
                 {"reason", condition.reason},
                 {"message", condition.message}});
}

Condition MemoryCondition(const std::string& level) {
  if (level == "critical") {
    return {"MemoryPressure", "True", "MemoryCritical", "available memory is critically low"};
  }
  if (level == "warning") {
    return {"MemoryPressure", "True", "MemoryWarning", "available memory is low"};
  }
  if (level == "normal") {
    return {"MemoryPressure", "False", "MemoryNormal", "available memory is sufficient"};
  }
  return {"MemoryPressure", "Unknown", "MemoryUnknown", "memory cannot be measured now"};
}

Json Addresses(const NodeIdentity& identity) {
  Json out = Json::MakeArray();
  if (!identity.address.empty()) {
    out.Append(Object({{"type", "InternalIP"}, {"address", identity.address}}));
  }
  out.Append(Object({{"type", "Hostname"}, {"address", identity.name}}));
  return out;
}

}  // namespace

NodeIdentity ThisHost(std::string name, std::string address) {
  NodeIdentity out;
  out.name = std::move(name);
  out.address = std::move(address);
  out.cpus = std::max(1u, std::thread::hardware_concurrency());
  utsname host{};
  if (uname(&host) != 0) return out;
  out.os = AsciiLower(host.sysname);
  out.arch = host.machine;
  if (out.arch == "x86_64") out.arch = "amd64";
  if (out.arch == "aarch64") out.arch = "arm64";
  out.kernel = std::string(host.sysname) + " " + host.release;
  return out;
}

bool IsRegistered(const Json& node) {
  return StringOr(node, {"spec", "providerID"}).starts_with(kProviderPrefix) ||
         StringOr(node, {"metadata", "labels", kRegisteredLabel}) == "true";
}

Json RegistrationDocument(const NodeIdentity& identity, const NodeCapacity& capacity) {
  Json node = Object({{"apiVersion", "v1"}, {"kind", "Node"}});
  Json& metadata = node.Make({"metadata"});
  metadata.Set("name", identity.name);
  Json& labels = metadata.Set("labels", Json::MakeObject());
  labels.Set("kubernetes.io/os", identity.os);
  labels.Set("kubernetes.io/arch", identity.arch);
  labels.Set("kubernetes.io/hostname", identity.name);
  labels.Set("node.kubernetes.io/exclude-from-external-load-balancers", "true");
  labels.Set(kRegisteredLabel, "true");
  metadata.Set("annotations", Annotations(capacity));
  Json& spec = node.Make({"spec"});
  spec.Set("providerID", std::string(kProviderPrefix) + identity.name);
  Json taints = Json::MakeArray();
  taints.Append(Object({{"key", kNoPodsTaint}, {"value", "true"}, {"effect", "NoSchedule"}}));
  spec.Set("taints", taints);
  return node;
}

Json StatusDocument(const NodeIdentity& identity, const NodeCapacity& capacity,
                    const Json& previous, WallTime now) {
  const Json resources = Object({{"cpu", std::to_string(identity.cpus)},
                                 {"memory", FormatQuantity(capacity.memory_total)},
                                 {"pods", "0"}});
  const Condition ready{"Ready", "True", "ExporterReady", "headroom-exporter is running"};
  Json conditions = Json::MakeArray();
  conditions.Append(ConditionDocument(MemoryCondition(capacity.pressure), previous, now));
  conditions.Append(ConditionDocument(ready, previous, now));
  const Json info = Object({{"operatingSystem", identity.os},
                            {"architecture", identity.arch},
                            {"kernelVersion", identity.kernel},
                            {"osImage", identity.kernel},
                            {"kubeletVersion", "headroom-" HEADROOM_VERSION},
                            {"containerRuntimeVersion", ""},
                            {"kubeProxyVersion", ""},
                            {"machineID", ""},
                            {"systemUUID", ""},
                            {"bootID", ""}});
  Json patch = Json::MakeObject();
  Json& status = patch.Set("status", Json::MakeObject());
  status.Set("capacity", resources);
  status.Set("allocatable", resources);
  status.Set("conditions", conditions);
  status.Set("addresses", Addresses(identity));
  status.Set("nodeInfo", info);
  return patch;
}

Json AnnotationPatch(const NodeCapacity& capacity) {
  Json annotations = Annotations(capacity);
  for (const std::string& key : kube::NodeAnnotationKeys()) {
    if (annotations.Find(key) == nullptr) annotations.Set(key, nullptr);
  }
  Json patch = Json::MakeObject();
  patch.Make({"metadata"}).Set("annotations", annotations);
  return patch;
}

Json LeaseDocument(const std::string& name, const std::string& uid, std::chrono::seconds duration,
                   WallTime now) {
  Json lease = Object({{"apiVersion", "coordination.k8s.io/v1"}, {"kind", "Lease"}});
  Json& metadata = lease.Make({"metadata"});
  metadata.Set("name", name);
  metadata.Set("namespace", "kube-node-lease");
  metadata.Make({"labels"}).Set(kLeaseLabel, "true");
  if (!uid.empty()) {
    Json owners = Json::MakeArray();
    owners.Append(Object({{"apiVersion", "v1"}, {"kind", "Node"}, {"name", name}, {"uid", uid}}));
    metadata.Set("ownerReferences", owners);
  }
  lease.Set("spec", Object({{"holderIdentity", name},
                            {"leaseDurationSeconds", static_cast<int64_t>(duration.count())},
                            {"renewTime", FormatRfc3339Micro(now)}}));
  return lease;
}

Json NodeDocument(const NodeIdentity& identity, const NodeCapacity& capacity, WallTime now) {
  Json node = RegistrationDocument(identity, capacity);
  MergePatch(node, StatusDocument(identity, capacity, Json(), now));
  return node;
}

}  // namespace headroom::exporter

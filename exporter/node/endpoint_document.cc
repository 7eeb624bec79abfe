#include "exporter/node/endpoint_document.h"

#include <arpa/inet.h>

#include <algorithm>

namespace headroom::exporter {
namespace {

constexpr int kServicePort = 8080;
constexpr std::string_view kManagedBy = "llmkube.ai/managed-by";
constexpr std::string_view kManager = "metal-agent";

Json Metadata(const std::string& name, const EndpointChange& change) {
  Json metadata = Json::MakeObject();
  metadata.Set("name", name);
  metadata.Set("namespace", change.object.ns);
  Json& labels = metadata.Set("labels", Json::MakeObject());
  labels.Set("app", name);
  labels.Set(kManagedBy, kManager);
  labels.Set("llmkube.ai/inference-service", name);
  if (!change.object.uid.empty()) {  // the object's deletion takes them along
    const kube::ResourceType& type = kube::TypeOf(change.kind);
    Json owner = Json::MakeObject();
    owner.Set("apiVersion", type.group_version);
    owner.Set("kind", type.kind);
    owner.Set("name", change.object.name);
    owner.Set("uid", change.object.uid);
    metadata.Set("ownerReferences", Json(Json::Array{owner}));
  }
  return metadata;
}

Json Port(const char* target_name, int port) {
  Json out = Json::MakeObject();
  out.Set("name", "http");
  out.Set("protocol", "TCP");
  out.Set(target_name, port);
  return out;
}

// "IPv4", "IPv6", or "" for what is no address an EndpointSlice may hold.
std::string FamilyOf(const std::string& host) {
  in_addr v4;
  in6_addr v6;
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) {
    return host.starts_with("127.") || host.starts_with("0.") || host.starts_with("169.254.")
               ? ""
               : "IPv4";
  }
  if (inet_pton(AF_INET6, host.c_str(), &v6) != 1) return "";
  return IN6_IS_ADDR_LOOPBACK(&v6) || IN6_IS_ADDR_UNSPECIFIED(&v6) || IN6_IS_ADDR_LINKLOCAL(&v6)
             ? ""
             : "IPv6";
}

}  // namespace

Result<std::string> EndpointName(const std::string& object_name) {
  std::string name = object_name;
  std::replace(name.begin(), name.end(), '.', '-');
  const bool starts_well = !name.empty() && name[0] >= 'a' && name[0] <= 'z';
  if (starts_well && name.size() <= 63) return name;
  return Error(Code::kInvalid, "no Service can be named '" + name +
                                   "': expected at most 63 characters, beginning with a letter; "
                                   "the model is served, but only at its own port");
}

bool IsManagedEndpoint(const Json& object) {
  return StringOr(object, {"metadata", "labels", kManagedBy}) == kManager;
}

bool IsOwnedByAnother(const Json& object, const std::string& uid) {
  const Json* owners = object.Find({"metadata", "ownerReferences"});
  if (owners == nullptr || owners->AsArray() == nullptr || owners->AsArray()->empty()) return false;
  return std::none_of(owners->AsArray()->begin(), owners->AsArray()->end(),
                      [&uid](const Json& owner) { return StringOr(owner, {"uid"}) == uid; });
}

Json ServiceDocument(const std::string& name, const EndpointChange& change) {
  Json service = Json::MakeObject();
  service.Set("apiVersion", "v1");
  service.Set("kind", "Service");
  Json& metadata = service.Set("metadata", Metadata(name, change));
  Json& annotations = metadata.Set("annotations", Json::MakeObject());
  annotations.Set("llmkube.ai/metal-accelerated", "true");
  annotations.Set("llmkube.ai/native-process", "true");
  Json port = Port("port", kServicePort);
  port.Set("targetPort", change.port);
  Json& spec = service.Set("spec", Json::MakeObject());
  spec.Set("type", "ClusterIP");
  spec.Set("ports", Json(Json::Array{port}));
  return service;
}

Result<Json> EndpointSliceDocument(const std::string& name, const EndpointChange& change,
                                   const std::string& node, WallTime now) {
  const std::string family = FamilyOf(change.host);
  if (family.empty()) {
    return Error(Code::kInvalid, "'" + change.host +
                                     "' cannot be an endpoint: expected an IP address the cluster "
                                     "reaches; set --advertise-address");
  }
  Json slice = Json::MakeObject();
  slice.Set("apiVersion", "discovery.k8s.io/v1");
  slice.Set("kind", "EndpointSlice");
  Json& metadata = slice.Set("metadata", Metadata(name, change));
  metadata.Make({"labels"}).Set("kubernetes.io/service-name", name);
  Json& annotations = metadata.Make({"annotations"});
  annotations = Json::MakeObject();
  annotations.Set("llmkube.ai/agent-heartbeat", FormatRfc3339(now));
  annotations.Set("llmkube.ai/agent-version", "headroom-" HEADROOM_VERSION);
  slice.Set("addressType", family);
  Json endpoint = Json::MakeObject();
  endpoint.Set("addresses", Json(Json::Array{change.host}));
  endpoint.Make({"conditions"}).Set("ready", change.to == EndpointChange::To::kReady);
  endpoint.Set("nodeName", node);
  Json& target = endpoint.Make({"targetRef"});
  target = Json::MakeObject();
  target.Set("kind", "Pod");
  target.Set("namespace", change.object.ns);
  target.Set("name", name + "-metal");
  slice.Set("endpoints", Json(Json::Array{endpoint}));
  slice.Set("ports", Json(Json::Array{Port("port", change.port)}));
  return slice;
}

}  // namespace headroom::exporter

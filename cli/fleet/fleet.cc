#include "cli/fleet/fleet.h"

#include <algorithm>

namespace headroom::cli {
namespace {

using kube::Kind;

std::string KeyOf(const Json& object) {
  return StringOr(object, {"metadata", "namespace"}, "default") + "/" +
         StringOr(object, {"metadata", "name"});
}

bool NameMatches(const kube::Workload& workload, std::string_view text, std::string_view ns) {
  if (workload.Key() == text || workload.meta.Key() == text) return true;
  return workload.meta.name == text && (ns.empty() || workload.meta.ns == ns);
}

bool SameObject(const Json& a, const Json& b) {
  return StringOr(a, {"kind"}) == StringOr(b, {"kind"}) && KeyOf(a) == KeyOf(b);
}

}  // namespace

void Overlay(std::vector<Json>& objects, Json object) {
  for (Json& known : objects) {
    if (!SameObject(known, object)) continue;
    const Json* kept = known.Find({"metadata", "annotations"});
    if (kept != nullptr && kept->AsObject() != nullptr) {
      for (const auto& [key, value] : *kept->AsObject()) {
        if (object.Find({"metadata", "annotations", key}) != nullptr) continue;
        object.Make({"metadata", "annotations"}).Set(key, value);
      }
    }
    known = std::move(object);
    return;
  }
  objects.push_back(std::move(object));
}

Fleet::Fleet(std::vector<Json> objects) {
  std::map<std::string, Json> nodes, models, services;
  for (Json& object : objects) {
    const std::string kind = StringOr(object, {"kind"}), key = KeyOf(object);
    if (kind == "Node")
      nodes.insert_or_assign(key, std::move(object));
    else if (kind == "Model")
      models.insert_or_assign(key, std::move(object));
    else if (kind == "InferenceService")
      services.insert_or_assign(key, std::move(object));
  }
  nodes_.reserve(nodes.size());
  for (const auto& [key, object] : nodes) {
    kube::Node node = kube::DecodeNode(object);
    node.capacity.name = node.meta.name;
    nodes_.push_back(std::move(node));
  }
  for (const kube::Node& node : nodes_) node_list_.push_back(&node);
  Join(std::move(models), std::move(services));
}

void Fleet::Join(std::map<std::string, Json> models, std::map<std::string, Json> services) {
  const auto add = [this](std::optional<kube::Workload> workload, const Json& object) {
    if (!workload || workload->meta.deleting) return;
    std::string node = PlaceOf(*workload);
    wanted_.push_back({std::move(*workload), object, std::move(node)});
  };
  for (const auto& [key, object] : models) {
    kube::Model model = kube::DecodeModel(object);
    if (model.meta.ns.empty()) model.meta.ns = "default";
    add(kube::WorkloadOf(model), object);
  }
  for (const auto& [key, object] : services) {
    kube::InferenceService service = kube::DecodeInferenceService(object);
    if (service.meta.ns.empty()) service.meta.ns = "default";
    const auto model = models.find(service.meta.ns + "/" + service.model_ref);
    if (model == models.end()) continue;
    kube::Model decoded = kube::DecodeModel(model->second);
    if (decoded.meta.ns.empty()) decoded.meta.ns = "default";
    add(kube::WorkloadOf(service, decoded), object);
  }
}

std::string Fleet::PlaceOf(const kube::Workload& workload) const {
  if (!workload.claimed_by.empty()) return workload.claimed_by;
  if (!workload.node_name.empty()) return workload.node_name;
  if (!kube::IsOurs(workload, node_list_)) return "";
  const auto targets = kube::TargetNodes(workload, node_list_);
  return targets.size() == 1 ? targets[0]->meta.name : "";
}

const kube::Node* Fleet::FindNode(std::string_view name) const {
  for (const kube::Node* node : node_list_) {
    if (node->meta.name == name) return node;
  }
  return nullptr;
}

const Wanted* Fleet::Find(std::string_view key) const {
  for (const Wanted& one : wanted_) {
    if (one.workload.Key() == key) return &one;
  }
  return nullptr;
}

Result<const Wanted*> Fleet::FindByName(std::string_view text, std::string_view ns) const {
  std::vector<const Wanted*> found;
  for (const Wanted& one : wanted_) {
    if (NameMatches(one.workload, text, ns)) found.push_back(&one);
  }
  if (found.size() == 1) return found[0];
  if (found.empty()) {
    return Error(Code::kNotFound, "model '" + std::string(text) +
                                      "' is not among the objects that are to run; headroom "
                                      "status lists them");
  }
  std::string names;
  for (const Wanted* one : found) names += (names.empty() ? "" : ", ") + one->workload.Key();
  return Error(Code::kInvalid, "'" + std::string(text) + "' names several: " + names);
}

}  // namespace headroom::cli

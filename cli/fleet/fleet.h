// What is known of the machines and models at one moment: objects as a cluster, a folder or a file
// gave them, joined into workloads and placed. Immutable once made; pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/json.h"
#include "kube/objects.h"
#include "kube/workload.h"

namespace headroom::cli {

// Puts `object` among the objects as kubectl apply would: annotations of the one that it replaces
// (a node's claim among them) stay unless it sets them itself.
void Overlay(std::vector<Json>& objects, Json object);

// A workload that is to run, with the object that asks for it (its status says how it does).
struct Wanted {
  kube::Workload workload;
  Json object;
  std::string node;  // where it takes memory: claimed, bound, or the only node of ours; "" = open
};

class Fleet {
 public:
  // Nodes, Models and InferenceServices; other kinds are left out. Of two objects with one kind,
  // namespace and name the later one holds.
  explicit Fleet(std::vector<Json> objects);
  Fleet(Fleet&&) = default;
  Fleet& operator=(Fleet&&) = default;

  const std::vector<const kube::Node*>& nodes() const { return node_list_; }  // by name
  const kube::Node* FindNode(std::string_view name) const;
  const std::vector<Wanted>& wanted() const { return wanted_; }
  const Wanted* Find(std::string_view key) const;  // kube::Workload::Key()
  // "NAME", "NAMESPACE/NAME" or "KIND/NAMESPACE/NAME"; an error when none or several have it.
  Result<const Wanted*> FindByName(std::string_view text, std::string_view ns) const;

 private:
  std::string PlaceOf(const kube::Workload& workload) const;
  void Join(std::map<std::string, Json> models, std::map<std::string, Json> services);

  std::vector<kube::Node> nodes_;
  std::vector<const kube::Node*> node_list_;
  std::vector<Wanted> wanted_;
};

}  // namespace headroom::cli

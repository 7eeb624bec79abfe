#include "cli/node_lookup.h"

#include "cli/fleet/fleet.h"
#include "cli/fleet/reader.h"

namespace headroom::cli {

Result<estimator::NodeCapacity> LookUpNode(const std::string& name, const NodePlace& place) {
  FleetOptions options{.kubeconfig = place.kubeconfig};
  if (!place.nodes.empty()) options.nodes.push_back(place.nodes);
  auto objects = ReadFleetObjects(ResolveSource(options));
  if (!objects) return objects.error().Within("--node " + name);
  const Fleet fleet(std::move(*objects));
  const kube::Node* node = fleet.FindNode(name);
  if (node == nullptr) {
    std::string others;
    for (const kube::Node* other : fleet.nodes()) {
      others += (others.empty() ? "; there are " : ", ") + other->meta.name;
    }
    return Error(Code::kNotFound, "--node " + name + ": there is no such node" + others);
  }
  if (!node->publishes) {
    return Error(Code::kUnavailable,
                 "node " + name + " publishes no memory: is headroom-exporter running there?");
  }
  if (!node->capacity.invalid.empty()) return Error(Code::kUnavailable, node->capacity.invalid);
  return node->capacity;
}

}  // namespace headroom::cli

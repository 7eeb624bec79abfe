// Finds one node's capacity: in a file of Node objects, at an exporter's /v1/node, or in a cluster.
#pragma once

#include <string>

#include "common/result.h"
#include "estimator/budget.h"

namespace headroom::cli {

struct NodePlace {
  std::string nodes;       // FILE or URL, as the daemons' --nodes; "" = the cluster
  std::string kubeconfig;  // "" = KUBECONFIG, else ~/.kube/config
};

// Blocking, at most 10 s. Errors name the place; kNotFound lists the nodes that are there.
Result<estimator::NodeCapacity> LookUpNode(const std::string& name, const NodePlace& place);

}  // namespace headroom::cli

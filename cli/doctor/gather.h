// The facts a doctor judges: asked of this machine and of a cluster. Blocking, some seconds at
// most.
#pragma once

#include "cli/cluster.h"
#include "cli/doctor/findings.h"

namespace headroom::cli {

struct MachineQuestions {
  std::string llama_server = "llama-server";
  std::string state_dir;  // "" = where the exporter would keep it
};
MachineFacts GatherMachine(const MachineQuestions& questions);

// `node`: also the rights that the exporter of this node needs, for a Mac's own kubeconfig.
ClusterFacts GatherCluster(Cluster& cluster, const std::string& node);

}  // namespace headroom::cli

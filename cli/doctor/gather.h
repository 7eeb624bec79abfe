// The facts a doctor judges: asked of this machine and of a cluster. Blocking, some seconds at
// most.
#pragma once

#include "cli/cluster.h"
#include "cli/doctor/findings.h"

namespace headroom::cli {

struct MachineQuestions {
  std::string llama_server = "llama-server";
  std::string state_dir;            // "" = where the exporter would keep it
  std::vector<std::string> models;  // to compare estimates of; empty = some of the store
};
MachineFacts GatherMachine(const MachineQuestions& questions);

// The estimates of `facts`: of questions.models, else of the newest models that the exporter
// fetched, each beside what the llama-fit-params next to llama-server prints.
void GatherEstimates(const MachineQuestions& questions, MachineFacts& facts);

// `node`: also the rights that the exporter of this node needs, for a Mac's own kubeconfig.
ClusterFacts GatherCluster(Cluster& cluster, const std::string& node);

}  // namespace headroom::cli

// From a workload to the question that the estimator decides: what it is called, where it may run
// and how large it is. The webhook and the command line ask with the same words. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "estimator/footprint_memo.h"
#include "estimator/verdict.h"
#include "kube/workload.h"

namespace headroom::admission {

using Nodes = std::vector<const kube::Node*>;

// `replica` is told apart where there are several.
estimator::Workload NameOf(const kube::Workload& workload, int replica = 1);
// The fields of its manifest that texts name.
estimator::FieldNames FieldsOf(const kube::Workload& workload);

// The nodes it may run on. Where one has claimed it, that one: another node's room does not help
// where it stays.
Nodes TargetsOf(const kube::Workload& workload, const Nodes& all);

// What is known of a workload's size; the model is borrowed.
struct Sizing {
  const estimator::ModelFile* model = nullptr;
  estimator::FootprintMemo* footprints = nullptr;  // of `model`; may be null
  uint64_t bytes_read = 0, mmproj_bytes = 0;
  std::string source;         // for the Estimate line
  bool file_on_node = false;  // a path on the nodes, not a download
  bool pending = false;       // unknown only because a fetch is under way
  std::string reason;         // why `model` is null; "" when something is missing and worth a fetch

  // Of `model`, which must be known.
  Result<estimator::Footprint> Estimate(const estimator::ServingOptions& options) const;
};

// Bytes it takes on `node` by its header; without one by what its owner declares (memoryBudget),
// 0 = nobody says.
uint64_t FootprintOn(const kube::Node& node, const kube::Workload& workload, const Sizing& sizing);
uint64_t DeclaredSize(const kube::Workload& workload);

// The question without its candidates. `options` are those of the workload.
estimator::Request RequestFor(const kube::Workload& workload,
                              const estimator::ServingOptions& options, const Sizing& sizing,
                              const Nodes& targets, WallTime now);

// The answer where there is nothing to ask: a malformed budget, options that llama.cpp refuses.
estimator::Verdict Refusal(const kube::Workload& workload, estimator::Rule rule,
                           std::string detail);

}  // namespace headroom::admission

// The admission decision over a Fleet, by the estimator's Decide(): what the webhook would say of a
// workload with the same objects and headers. A test holds the two against each other. Headers are
// read through the function given, each once.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "admission/request.h"
#include "cli/fleet/fleet.h"
#include "estimator/verdict.h"
#include "sources/header_source.h"

namespace headroom::cli {

// Reads the header of spec.source (or a projector); `targets` are where a node's file may lie. The
// error's text is the reason of HR-301.
using HeaderReader = std::function<Result<sources::ModelHeader>(
    const std::string& source, const std::vector<const kube::Node*>& targets)>;

// Bytes that something admitted before takes on a node, though no object says so yet.
struct Promise {
  std::string key, name, node;
  uint64_t bytes = 0;
};

struct JudgeSettings {
  bool allow_unknown = false;
  WallTime now{};
};

class Judge {
 public:
  Judge(HeaderReader read, JudgeSettings settings) : read_(std::move(read)), settings_(settings) {}

  // May `workload` run on one of its target nodes, beside everything else of the fleet?
  estimator::Verdict Decide(const Fleet& fleet, const kube::Workload& workload);
  // True where an edit needs judging: another place, file or budget, or a larger footprint.
  bool Grows(const Fleet& fleet, const kube::Workload& before, const kube::Workload& after);
  // From now on `workload`, admitted by `verdict`, counts where the verdict chose.
  void Promised(const kube::Workload& workload, const estimator::Verdict& verdict);
  // Bytes of a workload on a node: its claim's, else estimated, else declared, else 0.
  uint64_t FootprintOf(const kube::Workload& workload, const kube::Node& node);

 private:
  admission::Sizing SizeOf(const kube::Workload& workload, const admission::Nodes& targets);
  const Result<sources::ModelHeader>& Header(const std::string& source,
                                             const admission::Nodes& targets);
  estimator::Candidate CandidateFor(const Fleet& fleet, const kube::Node& node,
                                    const std::string& key);

  HeaderReader read_;
  JudgeSettings settings_;
  std::map<std::string, Result<sources::ModelHeader>> headers_;
  std::map<std::string, Promise> promises_;  // by workload key
};

}  // namespace headroom::cli

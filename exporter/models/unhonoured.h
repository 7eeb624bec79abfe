// Which fields of the schema have no effect on this node, and why: LLMKube's fields that are for
// pods, and those a native llama-server cannot follow. A field at the default its CRD gives it says
// nothing. Pure; docs/node.md lists them.
#pragma once

#include <string>
#include <vector>

#include "common/json.h"
#include "kube/workload.h"

namespace headroom::exporter {

// `serving` is Model.spec.serving or InferenceService.spec, `model` is Model.spec. One line for
// each field: "spec.speculativeDecoding: draft models are not started on this node".
std::vector<std::string> UnhonouredFields(const kube::Workload& workload, const Json& serving,
                                          const Json& model);

}  // namespace headroom::exporter

// Names of model servers in spec.runtime (InferenceService) and spec.serving.runtime (Model).
#pragma once

#include <string>
#include <string_view>

namespace headroom::kube {

// The name others compare: "" for llama-server and its aliases, "mistralrs" for mistralrs-server,
// every other name as it is.
std::string CanonicalRuntime(std::string_view text);

// A server of Apple silicon that a node can launch beside llama-server. Its memory is not
// estimated.
bool IsNativeRuntime(std::string_view canonical);

}  // namespace headroom::kube

// The token of a Secret that spec.sourceSecretRef names. Pure.
#pragma once

#include <string>

#include "common/json.h"
#include "common/result.h"

namespace headroom::kube {

// Entry HF_TOKEN (what the Hub's own tools call it), else token. Errors never quote the Secret.
Result<std::string> SourceTokenOf(const Json& secret);

}  // namespace headroom::kube

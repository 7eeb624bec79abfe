// `headroom probe`: proves by two server-side dry runs that the API server asks headroom-webhook: a
// model it must refuse whatever the cluster holds, and one that is none of its business. `helm
// test` runs it.
#pragma once

#include <string_view>

#include "common/json.h"
#include "common/result.h"

namespace headroom::cli {

// Accelerator metal and a memoryBudget that is no quantity: HR-202.
Json ProbeToRefuse(std::string_view ns);
// Accelerator cpu, bound to no node: not judged.
Json ProbeToPass(std::string_view ns);

// What the API server's answer to ProbeToRefuse proves; kUnavailable = the webhook could not be
// called, which may pass.
Result<void> CheckRefused(const Result<Json>& answer);
Result<void> CheckPassed(const Result<Json>& answer);

}  // namespace headroom::cli

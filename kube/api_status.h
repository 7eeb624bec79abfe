// What the API server's answers mean: HTTP status and Status object to an Error. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "common/json.h"
#include "common/result.h"
#include "net/http.h"

namespace headroom::kube {

// 404 kNotFound, 409 kConflict, 410 kGone, 401/403 kUnauthorized, 413 kTooLarge, 408/504 kTimeout,
// 429 and 5xx kUnavailable, other 4xx kInvalid. The text is the Status's message where there is
// one.
Error ErrorFromStatus(int http_status, const Json& body);
Error ErrorFromResponse(const net::HttpResponse& response);

// How long an answer asks us to stay away (429, 503 with Retry-After in seconds), capped at 30 s.
std::optional<std::chrono::milliseconds> RetryAfter(const net::HttpResponse& response);

}  // namespace headroom::kube

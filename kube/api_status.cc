#include "kube/api_status.h"

#include <algorithm>
#include <charconv>

namespace headroom::kube {
namespace {

Code CodeOf(int status) {
  switch (status) {
    case 401:
    case 403: return Code::kUnauthorized;
    case 404: return Code::kNotFound;
    case 408:
    case 504: return Code::kTimeout;
    case 409: return Code::kConflict;
    case 410: return Code::kGone;
    case 413: return Code::kTooLarge;
    case 429: return Code::kUnavailable;
  }
  return status >= 500 ? Code::kUnavailable : Code::kInvalid;
}

}  // namespace

Error ErrorFromStatus(int http_status, const Json& body) {
  const std::string message = StringOr(body, {"message"});
  return Error(
      CodeOf(http_status),
      message.empty() ? "the API server answered HTTP " + std::to_string(http_status) : message);
}

Error ErrorFromResponse(const net::HttpResponse& response) {
  const auto body = ParseJson(response.body);
  return ErrorFromStatus(response.status, body ? *body : Json());
}

std::optional<std::chrono::milliseconds> RetryAfter(const net::HttpResponse& response) {
  if (response.status != 429 && response.status != 503) return std::nullopt;
  const auto text = response.headers.Find("Retry-After");
  if (!text) return std::nullopt;
  int seconds = -1;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), seconds);
  if (error != std::errc() || end != text->data() + text->size() || seconds < 0) {
    return std::nullopt;
  }
  return std::chrono::seconds(std::min(seconds, 30));
}

}  // namespace headroom::kube

// AdmissionReview admission.k8s.io/v1: decoding a request and encoding a response exactly as the
// API server enforces it. Pure. What is no review at all is an error (HTTP 400), never a denial.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/json.h"
#include "common/result.h"
#include "estimator/explain.h"

namespace headroom::webhook {

// Two objects of 3 MiB (the API server caps one write at that) and 1 MiB for the rest.
inline constexpr size_t kMaxReviewBytes = 7u << 20;

struct Review {
  std::string uid;
  std::string operation;  // CREATE | UPDATE | DELETE | CONNECT
  std::string group, resource, subresource, kind;
  std::string name, ns;  // name is empty with generateName
  std::string user;
  bool dry_run = false;
  // kube::DecodedFields() of them; null where the operation has none.
  Json object, old_object;
};

// Errors name the path: "request.uid: expected a string, found number".
Result<Review> ParseReview(std::string_view body);

// What we answer. A denial carries the message as kubectl prints it; warnings and annotations are
// cleaned here, so that none is dropped silently by the API server.
struct Answer {
  bool allowed = true;
  std::string message;                   // denial: whole text, newlines kept
  std::vector<estimator::Cause> causes;  // denial: status.details.causes
  std::vector<std::string> warnings;
  std::map<std::string, std::string> audit;  // keys without '/', "decision", "rule", ...
};

std::string EncodeResponse(const Review& review, const Answer& answer);

// One line of printable ASCII, at most 120 characters.
std::string CleanWarning(std::string_view text);

}  // namespace headroom::webhook

// Asks headroom-webhook for its decision the way the API server does: an AdmissionReview v1 over
// TLS.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/json.h"
#include "common/result.h"

namespace headroom::cli {

struct WebhookAddress {
  std::string url;      // https://127.0.0.1:9443
  std::string ca_file;  // PEM that signed its certificate; "" = the system's trust store
};

struct Decision {
  bool allowed = false;
  std::string message;  // of a denial
  std::vector<std::string> warnings;
};

// The review that the API server would send; `old_object` makes it an UPDATE.
Json MakeReview(const Json& object, const std::optional<Json>& old_object, bool dry_run,
                const std::string& uid);
// Reads the answer; an error if it is no AdmissionReview v1 response for `uid`.
Result<Decision> ReadDecision(const std::string& body, const std::string& uid);

// Blocking, at most 12 s.
Result<Decision> AskWebhook(const WebhookAddress& address, const Json& object,
                            const std::optional<Json>& old_object, bool dry_run);

}  // namespace headroom::cli

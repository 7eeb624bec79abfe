// --access-log: one JSON line on stdout for each review, with what became of it and where its time
// went. Pure; the caller writes the line.
#pragma once

#include <chrono>
#include <string>

#include "common/time.h"
#include "net/http_server.h"
#include "webhook/rules.h"

namespace headroom::webhook {

// When each phase ended; a phase that was not reached keeps the time of the one before.
struct Phases {
  SteadyTime parsed, decided, encoded;
};

// `review` and `decision` are null where there was none; `status` is the HTTP status.
std::string AccessLine(WallTime now, const net::HttpRequest& request,
                       const net::RequestContext& context, int status, const Phases& phases,
                       const Review* review, const Decision* decision);

}  // namespace headroom::webhook

#include "webhook/access_log.h"

#include <algorithm>
#include <cmath>

namespace headroom::webhook {
namespace {

double Milliseconds(SteadyTime from, SteadyTime to) {
  const std::chrono::duration<double, std::milli> span = to - from;
  return std::max(0.0, std::round(span.count() * 1000) / 1000);
}

void AddReview(Json& line, const Review& review) {
  line.Set("uid", review.uid);
  line.Set("operation", review.operation);
  line.Set("kind", review.kind);
  line.Set("namespace", review.ns);
  line.Set("name", review.name);
  line.Set("user", review.user);
  line.Set("dryRun", review.dry_run);
}

}  // namespace

std::string AccessLine(WallTime now, const net::HttpRequest& request,
                       const net::RequestContext& context, int status, const Phases& phases,
                       const Review* review, const Decision* decision) {
  Json line = Json::MakeObject();
  line.Set("time", FormatRfc3339Micro(now));
  line.Set("peer", context.peer);
  line.Set("target", request.target);
  line.Set("bytes", request.body.size());
  line.Set("status", status);
  if (review != nullptr) AddReview(line, *review);
  if (decision != nullptr) {
    line.Set("decision", ToString(decision->outcome));
    if (!decision->rule.empty()) line.Set("rule", decision->rule);
    line.Set("detail", decision->Detail());
  }
  // Waiting for a model's header counts as deciding.
  Json& times = line.Set("milliseconds", Json::MakeObject());
  times.Set("read", Milliseconds(context.first_byte, context.last_byte));
  times.Set("parse", Milliseconds(context.last_byte, phases.parsed));
  times.Set("decide", Milliseconds(phases.parsed, phases.decided));
  times.Set("encode", Milliseconds(phases.decided, phases.encoded));
  return WriteJson(line);
}

}  // namespace headroom::webhook

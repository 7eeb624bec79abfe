#include "exporter/memory/history.h"

#include <algorithm>

namespace headroom::exporter {
namespace {

WallTime StepOf(WallTime now) {
  const auto since = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch());
  return WallTime(since - since % History::kStep);
}

// Unknown says less than any level.
int Severity(Pressure level) {
  switch (level) {
    case Pressure::kUnknown: return 0;
    case Pressure::kNormal: return 1;
    case Pressure::kWarning: return 2;
    case Pressure::kCritical: return 3;
  }
  return 0;
}

}  // namespace

void History::Add(WallTime now, std::optional<uint64_t> available, Pressure level) {
  const WallTime step = StepOf(now);
  if (!points_.empty() && points_.back().start > step) points_.clear();
  if (points_.empty() || points_.back().start != step) {
    points_.push_back({step, available, level});
    if (points_.size() > kPoints) points_.pop_front();
    return;
  }
  Point& last = points_.back();
  if (available) last.available = std::min(*available, last.available.value_or(*available));
  if (Severity(level) > Severity(last.level)) last.level = level;
}

Json HistoryJson(const History& history) {
  Json points = Json::MakeArray();
  for (const History::Point& point : history.points()) {
    Json one = Json::MakeArray();
    const auto since = point.start.time_since_epoch();
    one.Append(int64_t{std::chrono::duration_cast<std::chrono::seconds>(since).count()});
    one.Append(point.available ? Json(*point.available) : Json());
    one.Append(ToString(point.level));
    points.Append(std::move(one));
  }
  Json json = Json::MakeObject();
  json.Set("stepSeconds", int64_t{History::kStep.count()});
  json.Set("points", std::move(points));
  return json;
}

}  // namespace headroom::exporter

#include "kube/event_aggregator.h"

#include <cstdio>

namespace headroom::kube {
namespace {

// An object name may be 253 characters, and so may an Event's, which adds 17.
constexpr size_t kMaxBase = 230;

std::string Hex(uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

}  // namespace

EventAggregator::Decision EventAggregator::Decide(const std::string& object,
                                                  const std::string& base,
                                                  const std::string& reason,
                                                  const std::string& message, WallTime now) {
  Prune(now);
  if (!Allowed(object, now)) return {};
  Known& known = known_[object + '\n' + reason + '\n' + message];
  Decision decision;
  if (known.count == 0) {
    // Nanoseconds, as client-go names them, and a counter for two within one tick.
    const auto ticks = now.time_since_epoch().count();
    known.name = base.substr(0, kMaxBase) + "." + Hex(static_cast<uint64_t>(ticks) + sequence_++);
    known.first = now;
    decision.action = Decision::Do::kCreate;
  } else {
    decision.action = Decision::Do::kRaise;
  }
  known.last = now;
  decision.name = known.name;
  decision.count = ++known.count;
  decision.first = known.first;
  return decision;
}

void EventAggregator::Forget(const std::string& name) {
  std::erase_if(known_, [&name](const auto& entry) { return entry.second.name == name; });
}

void EventAggregator::Prune(WallTime now) {
  std::erase_if(known_, [now](const auto& entry) { return now - entry.second.last > kSameWithin; });
  for (auto& [object, times] : writes_) {
    while (!times.empty() && now - times.front() >= std::chrono::minutes(1)) times.pop_front();
  }
  std::erase_if(writes_, [](const auto& entry) { return entry.second.empty(); });
}

bool EventAggregator::Allowed(const std::string& object, WallTime now) {
  std::deque<WallTime>& times = writes_[object];
  if (times.size() >= kWritesPerMinute) return false;
  times.push_back(now);
  return true;
}

}  // namespace headroom::kube

#include "webhook/header_table.h"

#include <algorithm>

namespace headroom::webhook {

std::string HeaderNeed::Key() const {
  if (source.where == sources::Source::Where::kHttps) return source.url.ToString();
  return node + " " + source.path;
}

HeaderState HeaderTable::Find(const HeaderNeed& need, SteadyTime now) {
  const auto it = entries_.find(need.Key());
  if (it == entries_.end()) return {};
  Entry& entry = it->second;
  if (entry.in_flight) return {HeaderState::Kind::kPending, nullptr, ""};
  if (now >= entry.expires) return {};
  entry.used = now;
  ++hits;
  if (entry.header) return {HeaderState::Kind::kReady, &*entry.header, ""};
  return {HeaderState::Kind::kFailed, nullptr, entry.reason};
}

bool HeaderTable::Begin(const HeaderNeed& need, SteadyTime now) {
  Entry& entry = entries_[need.Key()];
  if (entry.in_flight) return false;
  const bool holds = (entry.header || !entry.reason.empty()) && now < entry.expires;
  if (holds) return false;
  entry.in_flight = true;
  entry.used = now;
  ++in_flight_;
  ++fetches;
  ++misses;
  return true;
}

void HeaderTable::Finish(const HeaderNeed& need, Result<sources::ModelHeader> result,
                         SteadyTime now) {
  Entry& entry = entries_[need.Key()];
  if (entry.in_flight) --in_flight_;
  const bool remote = need.source.where == sources::Source::Where::kHttps;
  entry = Entry();
  entry.used = now;
  if (result) {
    entry.header = std::move(*result);
    entry.expires = now + (remote ? options_.remote_lifetime : options_.node_lifetime);
  } else {
    ++failures;
    entry.reason = result.error().message().empty() ? "unknown" : result.error().message();
    entry.expires = now + (remote ? options_.remote_failure : options_.node_failure);
  }
  Trim();
}

void HeaderTable::Abandon(const HeaderNeed& need) {
  const auto it = entries_.find(need.Key());
  if (it == entries_.end() || !it->second.in_flight) return;
  --in_flight_;
  entries_.erase(it);
}

void HeaderTable::Trim() {
  while (entries_.size() > options_.max_entries) {
    auto oldest = entries_.end();
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      if (it->second.in_flight) continue;
      if (oldest == entries_.end() || it->second.used < oldest->second.used) oldest = it;
    }
    if (oldest == entries_.end()) return;
    entries_.erase(oldest);
  }
}

}  // namespace headroom::webhook

#include "webhook/header_table.h"

#include <algorithm>

namespace headroom::webhook {

std::string HeaderNeed::Key() const {
  const bool https = source.where == sources::Source::Where::kHttps;
  const std::string file = https ? source.url.ToString() : source.path;
  return remote() ? file : node + " " + file;
}

std::string HeaderNeed::Host() const { return remote() ? source.url.HostHeader() : node; }

HeaderState HeaderTable::Find(const HeaderNeed& need, SteadyTime now) {
  const auto it = entries_.find(need.Key());
  if (it == entries_.end()) return {};
  Entry& entry = it->second;
  if (entry.in_flight) return {HeaderState::Kind::kPending, nullptr, ""};
  if (now >= entry.expires) return {};
  entry.used = now;
  ++hits;
  if (entry.header) return {HeaderState::Kind::kReady, &*entry.header, "", &*entry.footprints};
  return {HeaderState::Kind::kFailed, nullptr, entry.reason};
}

bool HeaderTable::HasPlace(const HeaderNeed& need) const {
  const auto at = in_flight_at_.find(need.Host());
  const size_t there = at == in_flight_at_.end() ? 0 : at->second;
  return in_flight_ < options_.max_in_flight && there < options_.max_in_flight_a_host;
}

std::string HeaderTable::KnownRevision(const HeaderNeed& need) const {
  const auto it = entries_.find(need.Key());
  return it == entries_.end() || !it->second.header ? "" : it->second.header->revision;
}

bool HeaderTable::Begin(const HeaderNeed& need, SteadyTime now) {
  if (!HasPlace(need)) return false;
  Entry& entry = entries_[need.Key()];
  if (entry.in_flight) return false;
  const bool holds = (entry.header || !entry.reason.empty()) && now < entry.expires;
  if (holds) return false;
  entry.in_flight = true;
  entry.used = now;
  ++in_flight_;
  ++in_flight_at_[need.Host()];
  ++fetches;
  ++misses;
  return true;
}

void HeaderTable::Leave(const HeaderNeed& need) {
  --in_flight_;
  const auto at = in_flight_at_.find(need.Host());
  if (at != in_flight_at_.end() && --at->second == 0) in_flight_at_.erase(at);
}

void HeaderTable::Finish(const HeaderNeed& need, Result<sources::ModelHeader> result,
                         SteadyTime now) {
  Entry& entry = entries_[need.Key()];
  if (entry.in_flight) Leave(need);
  entry.in_flight = false;
  entry.used = now;
  const auto lifetime = need.remote() ? options_.remote_lifetime : options_.node_lifetime;
  const auto pause = need.remote() ? options_.remote_failure : options_.node_failure;
  if (result && result->unchanged && entry.header) {
    entry.expires = now + lifetime;
  } else if (result && !result->unchanged) {
    entry.header = std::move(*result);
    entry.footprints.emplace(entry.header->model);
    entry.reason.clear();
    entry.expires = now + lifetime;
  } else {
    ++failures;
    const Error error =
        result ? Error(Code::kInvalid, "the host's answer makes no sense") : result.error();
    const bool passes = error.code() == Code::kUnavailable || error.code() == Code::kTimeout;
    if (!need.remote() || !passes) entry.header.reset();
    entry.reason = error.message().empty() ? "unknown" : error.message();
    entry.expires = now + pause;
  }
  Trim();
}

void HeaderTable::Abandon(const HeaderNeed& need) {
  const auto it = entries_.find(need.Key());
  if (it == entries_.end() || !it->second.in_flight) return;
  Leave(need);
  it->second.in_flight = false;
  if (!it->second.header) entries_.erase(it);
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

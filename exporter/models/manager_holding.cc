// A claim while it is ours: what the API server tells of it, for how long it may be relied on, and
// how it is given back.
#include "common/log.h"
#include "exporter/models/manager.h"
#include "exporter/models/manager_record.h"

namespace headroom::exporter {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds kReleaseRetry{2}, kReaffirmRetry{5};

}  // namespace

// Stops what others may take over soon. Returns when to look again.
SteadyTime Manager::FenceWhereDue(SteadyTime now) {
  if (!seams_.trusted_until) return SteadyTime::max();
  const SteadyTime until = seams_.trusted_until();
  std::vector<Key> due;
  bool watched = false;
  for (const auto& [key, record] : records_) {
    if (record->it.pid == 0 || record->fenced || record->bound) continue;
    watched = true;
    if (now >= until) due.push_back(key);
  }
  for (const Key& key : due) {
    Find(key)->fenced = true;
    Event event = OutOfTouch();
    LogWarn("stopping a model", {{"workload", key}, {"reason", event.text}});
    event.type = Event::Type::kFenced;
    Post(key, std::move(event));
  }
  return watched && due.empty() ? until : SteadyTime::max();
}

// What a write or a read of ours gave: newer than what the watch has told so far.
void Manager::TakeObject(const Key& key, const Json& object) {
  Record* record = Find(key);
  if (record == nullptr || !record->entry) return;
  const kube::Meta meta = kube::DecodeMeta(object);
  const std::string& known = record->entry->workload.meta.resource_version;
  if (IsOlderVersion(meta.resource_version, known)) return;
  TakeClaim(record->entry->workload, meta);
  const Json* status = object.Find("status");
  record->entry->status = status != nullptr ? *status : Json();
}

// What the watch tells, unless it is older than what we know: then only the specification counts.
void Manager::TakeEntry(Record& record, const WorkloadSet::Entry& entry) {
  std::optional<WorkloadSet::Entry> known = std::exchange(record.entry, entry);
  if (!known) return;
  const std::string& version = entry.workload.meta.resource_version;
  if (!IsOlderVersion(version, known->workload.meta.resource_version)) return;
  TakeClaim(record.entry->workload, known->workload.meta);
  record.entry->status = std::move(known->status);
}

// True when another node has taken the workload over, which it may once our Lease has expired.
bool Manager::LostClaim(Record& record) const {
  if (!record.claimed || !IsHeldByAnother(record)) return false;
  record.claimed = false;
  LogWarn("another node has taken the workload over; stopping it here",
          {{"workload", record.key}, {"node", record.entry->workload.claimed_by}});
  return true;
}

// Our model runs, and the object says that nobody holds it: another node has given up after taking
// it over, or somebody removed the annotation.
asio::awaitable<void> Manager::Reaffirm(Key key) {
  for (;;) {
    Record* record = Find(key);
    if (record == nullptr || !record->entry || !record->claimed || record->it.pid == 0) break;
    const uint64_t footprint = record->footprint;
    const Event event = co_await WriteClaim(key, footprint);
    if (event.type == Event::Type::kClaimed) break;
    record = Find(key);
    if (record != nullptr && event.type == Event::Type::kHeldElsewhere) {
      Evaluate(key);  // the object that was read says who holds it
      break;
    }
    co_await net::SleepFor(kReaffirmRetry);
  }
  if (Record* record = Find(key)) record->reaffirming = false;
}

asio::awaitable<void> Manager::ReleaseClaim(Key key) {
  Record* record = Find(key);
  if (record == nullptr || !record->entry) co_return;
  const bool ours = record->claimed || record->entry->workload.claimed_by == options_.node_name;
  // Bound to this node by name, nobody else may take it: what waits here keeps the claim.
  const bool waits =
      record->it.state == State::kWaitingForMemory || record->it.state == State::kEvicted;
  if (seams_.api == nullptr || !ours) co_return;
  ++record->releasing;
  if (record->bound && waits) {
    co_await RemoveEndpoint(key);
  } else {
    record->claimed = false;
    kube::Workload workload = record->entry->workload;
    // What was last seen is no longer so: the next claim has to be written.
    record->entry->workload.claimed_by.clear();
    record->entry->workload.claimed_footprint.reset();
    // Before the claim: from then on another node may write these objects.
    co_await RemoveEndpoint(key);
    const auto written = co_await RemoveClaim(std::move(workload));
    if (written) TakeObject(key, *written);
  }
  record = Find(key);
  if (record != nullptr) --record->releasing;
}

asio::awaitable<void> Manager::RemoveEndpoint(Key key) {
  Record* record = Find(key);
  if (!seams_.endpoint || !std::exchange(record->endpoint_left, false)) co_return;
  EndpointChange removed = Endpoint(*record, EndpointChange::To::kRemoved);
  co_await seams_.endpoint(std::move(removed));
}

// The object as written; nullopt where there was nothing to write. A claim that stayed would keep
// every other node from the workload, so an API server that is away is waited for.
asio::awaitable<std::optional<Json>> Manager::RemoveClaim(kube::Workload workload) {
  const std::string path = ObjectPath(workload);
  for (;;) {
    auto object = co_await seams_.api->Get(path);
    if (object) {
      TakeClaim(workload, kube::DecodeMeta(*object));
      if (workload.claimed_by != options_.node_name) co_return std::nullopt;
      Json patch = ReleasePatch(workload.meta);
      object = co_await seams_.api->MergePatch(path, std::move(patch));
      if (object) co_return std::move(*object);
      if (object.error().code() == Code::kConflict) continue;
    }
    const bool again = IsUnreachable(object.error()) && !stopping_;
    if (!again) co_return std::nullopt;
    co_await net::SleepFor(kReleaseRetry);
  }
}

}  // namespace headroom::exporter

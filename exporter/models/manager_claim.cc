// The right to run a workload, taken by one optimistic write after the verdict.
#include "common/checked.h"
#include "common/log.h"
#include "estimator/explain.h"
#include "exporter/models/manager.h"
#include "exporter/models/manager_record.h"

namespace headroom::exporter {

namespace asio = boost::asio;

namespace {

constexpr int kConflictRetries = 5;

Event Failed(const Error& error) {
  return {.type = Event::Type::kStepFailed, .text = error.message()};
}

}  // namespace

bool Manager::IsHeldByAnother(const Record& record) const {
  const std::string& holder = record.entry->workload.claimed_by;
  return !holder.empty() && holder != options_.node_name;
}

// What others may claim must not be started when they may soon do so.
bool Manager::MayRely(const Record& record) const {
  if (!seams_.trusted_until || record.bound) return true;
  return std::chrono::steady_clock::now() < seams_.trusted_until();
}

Event Manager::OutOfTouch() const {
  return {.type = Event::Type::kOutOfTouch,
          .text =
              "out of touch with the API server: another node may take this model over; it "
              "comes back when the API server answers"};
}

asio::awaitable<void> Manager::Claim(Key key, uint64_t attempt) {
  // A release under way would take away what is claimed now.
  for (Record* busy = Find(key); busy != nullptr && busy->releasing > 0; busy = Find(key)) {
    co_await wake_.Wait(net::After(std::chrono::seconds(1)));
  }
  Event event = co_await TryClaim(key);
  Record* record = Find(key);
  if (record == nullptr) co_return;
  using Type = Event::Type;
  record->check_failed = event.type == Type::kStepFailed;
  // Between this verdict and the launch the bytes are spoken for.
  const bool spoken_for = record->reserved;
  if (record->it.attempt == attempt) record->reserved = event.type == Type::kClaimed;
  if (record->it.state == State::kFailed) record->reserved = false;
  if (spoken_for && event.type == Type::kHeldElsewhere) MemoryFreed();  // another node was faster
  event.attempt = attempt;
  Post(key, std::move(event));
}

asio::awaitable<Event> Manager::TryClaim(Key key) {
  Record* record = Find(key);
  if (record != nullptr && IsLlama(*record)) {
    const auto runtime = co_await runtime_.Get();
    if (!runtime) co_return Failed(runtime.error());
    record = Find(key);
  }
  if (record == nullptr || !record->entry) co_return Event{};
  // What is installed may have changed since the workload was looked at.
  const auto plan = Plan(*record, 0);
  if (!plan || plan->identity != record->it.identity) {
    Want(*record);
    co_return Event{};
  }
  record->not_honoured = plan->not_honoured;
  if (!MayRely(*record)) co_return OutOfTouch();
  // Whoever runs it also says how it is: a verdict of ours would only be in the way.
  const kube::Workload workload = record->entry->workload;
  if (const auto held = co_await HeldElsewhere(workload)) co_return *held;
  const auto read = co_await ReadHeader(key);
  if (!read) co_return Failed(read.error());
  record = Find(key);
  if (record == nullptr) co_return Event{};
  if (const auto refused = Refusal(*record)) co_return *refused;
  const auto pause = PauseBeforeClaim(*record);
  if (pause.count() > 0) {
    co_await net::SleepFor(pause);
    record = Find(key);
    if (record == nullptr) co_return Event{};
    if (const auto refused = Refusal(*record)) co_return *refused;
  }
  record->reserved = true;
  const auto missing = Missing(*record);
  Event event{.type = Event::Type::kClaimed};
  if (seams_.api == nullptr) {
    record->claimed = true;
  } else {
    const uint64_t footprint = record->footprint;
    event = co_await WriteClaim(key, footprint);
  }
  if (event.type == Event::Type::kClaimed && !missing.empty()) {
    event.fetch = true;
    event.text = "fetching " + sources::Describe(missing.front().source);
  }
  co_return event;
}

// The verdict, where it is not that the workload may be launched.
std::optional<Event> Manager::Refusal(Record& record) const {
  const auto verdict = Judge(record);
  if (!verdict) return Failed(verdict.error());
  record.footprint = verdict->FootprintBytes();
  if (verdict->allowed) return std::nullopt;
  return Event{.type = Event::Type::kRefused, .text = estimator::DenialText(*verdict)};
}

std::chrono::milliseconds Manager::PauseBeforeClaim(const Record& record) const {
  const bool alone = seams_.api == nullptr || record.bound ||
                     record.entry->workload.claimed_by == options_.node_name;
  const auto capacity = seams_.capacity();
  if (alone || !capacity) return std::chrono::milliseconds(0);
  const uint64_t headroom = SaturatingSub(capacity->memory_budget.value_or(0), Committed());
  return ClaimDelay(record.footprint, headroom, options_.claim_spread, jitter_());
}

// Whether a node that lives holds the claim, as far as is known.
asio::awaitable<std::optional<Event>> Manager::HeldElsewhere(kube::Workload workload) {
  const std::string& holder = workload.claimed_by;
  if (seams_.api == nullptr || holder.empty() || holder == options_.node_name)
    co_return std::nullopt;
  const std::string path = kube::ResourcePath(kube::kLeaseType, "kube-node-lease", holder);
  const auto lease = co_await seams_.api->Get(path);
  const SteadyTime now = std::chrono::steady_clock::now();
  if (lease) {
    holders_.Saw(holder, DecodeLease(*lease), now);
  } else if (lease.error().code() == Code::kNotFound) {
    holders_.Saw(holder, LeaseRecord(), now);
  } else {
    holders_.OutOfTouch();
  }
  if (!IsHeldElsewhere(workload, options_.node_name, holders_, now)) co_return std::nullopt;
  co_return Event{.type = Event::Type::kHeldElsewhere,
                  .text = "claimed by node " + holder,
                  .retry = holders_.Remaining(holder, now)};
}

asio::awaitable<Event> Manager::WriteClaim(Key key, uint64_t footprint) {
  const Record* record = Find(key);
  if (record == nullptr || !record->entry) co_return Event{};
  kube::Workload workload = record->entry->workload;
  const bool ours = workload.claimed_by == options_.node_name && record->bound;
  const std::string path = ObjectPath(workload);
  Result<Json> answer = Error();
  for (int attempt = 0; attempt < kConflictRetries; ++attempt) {
    if (attempt > 0) {
      // Somebody wrote the object meanwhile; maybe only its status.
      answer = co_await seams_.api->Get(path);
      if (!answer) co_return Failed(answer.error());
      TakeClaim(workload, kube::DecodeMeta(*answer));
      TakeObject(key, *answer);
    }
    if (const auto held = co_await HeldElsewhere(workload)) co_return *held;
    const std::string before = workload.claimed_by;
    Json patch = ClaimPatch(workload.meta, options_.node_name, footprint);
    answer = co_await seams_.api->MergePatch(path, std::move(patch));
    if (answer) {
      co_await Claimed(key, std::move(*answer), before);
      co_return Event{.type = Event::Type::kClaimed};
    }
    // Nobody else may take what is bound to this node: it can be run again without being asked.
    if (ours && IsUnreachable(answer.error())) co_return Event{.type = Event::Type::kClaimed};
    if (answer.error().code() != Code::kConflict) co_return Failed(answer.error());
  }
  co_return Failed(answer.error().Within("claim of " + key));
}

// The claim is written. What a dead node published leads nowhere any more.
asio::awaitable<void> Manager::Claimed(Key key, Json object, std::string before) {
  TakeObject(key, object);
  Record* record = Find(key);
  if (record == nullptr || !record->entry) co_return;
  record->claimed = true;
  if (before.empty() || before == options_.node_name) co_return;
  LogWarn("taken over from a node whose Lease has ended", {{"workload", key}, {"node", before}});
  if (!seams_.endpoint) co_return;
  EndpointChange withdrawn = Endpoint(*record, EndpointChange::To::kNotReady);
  withdrawn.port = 0;  // not ours
  co_await seams_.endpoint(std::move(withdrawn));
}

}  // namespace headroom::exporter

// The steps before a launch: read the header, ask for the verdict, take the claim, and once more
// the verdict when no other model is loading.
#include <filesystem>

#include "common/log.h"
#include "estimator/explain.h"
#include "exporter/models/manager.h"
#include "exporter/models/manager_record.h"

namespace headroom::exporter {

namespace asio = boost::asio;

namespace {

constexpr int kConflictRetries = 3;

std::string ObjectPath(const kube::Workload& workload) {
  return kube::ResourcePath(kube::TypeOf(workload.kind), workload.meta.ns, workload.meta.name);
}

Event Failed(const Error& error) {
  return {.type = Event::Type::kStepFailed, .text = error.message()};
}

// Changes when the file is replaced.
std::string StampOf(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  const auto time = std::filesystem::last_write_time(path, error);
  if (error) return "";
  // libc++ counts in 128 bits.
  const auto ticks = static_cast<int64_t>(time.time_since_epoch().count());
  return path + " " + std::to_string(size) + " " + std::to_string(ticks);
}

// The claim as the object carries it now.
void TakeClaim(kube::Workload& workload, const Json& object) {
  workload.meta = kube::DecodeMeta(object);
  const auto& annotations = workload.meta.annotations;
  const auto by = annotations.find(kube::kClaimedByAnnotation);
  const auto bytes = annotations.find(kube::kFootprintAnnotation);
  workload.claimed_by = by == annotations.end() ? "" : by->second;
  workload.claimed_footprint.reset();
  if (bytes != annotations.end()) {
    if (const auto parsed = ParseJson(bytes->second)) workload.claimed_footprint = parsed->AsUint();
  }
}

}  // namespace

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
  if (record->it.attempt == attempt) record->reserved = event.type == Type::kClaimed;
  if (record->it.state == State::kFailed) record->reserved = false;
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
  const auto read = co_await ReadHeader(key);
  if (!read) co_return Failed(read.error());
  record = Find(key);
  if (record == nullptr) co_return Event{};
  const auto verdict = Judge(*record);
  if (!verdict) co_return Failed(verdict.error());
  record->footprint = verdict->FootprintBytes();
  if (!verdict->allowed) {
    co_return Event{.type = Event::Type::kRefused, .text = estimator::DenialText(*verdict)};
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

asio::awaitable<Event> Manager::WriteClaim(Key key, uint64_t footprint) {
  const Record* record = Find(key);
  if (record == nullptr || !record->entry) co_return Event{};
  kube::Workload workload = record->entry->workload;
  const std::string path = ObjectPath(workload);
  Result<Json> answer = Error();
  for (int attempt = 0; attempt < kConflictRetries; ++attempt) {
    if (attempt > 0) {
      // Somebody wrote the object meanwhile; maybe only its status.
      answer = co_await seams_.api->Get(path);
      if (!answer) co_return Failed(answer.error());
      TakeClaim(workload, *answer);
    }
    std::optional<ClaimHolder> holder;
    const bool other = !workload.claimed_by.empty() && workload.claimed_by != options_.node_name;
    if (other) holder = co_await Holder(workload.claimed_by);
    const auto now = std::chrono::system_clock::now();
    const auto decision = DecideClaim(workload, options_.node_name, footprint, holder, now);
    if (decision == ClaimDecision::kElsewhere) {
      co_return Event{.type = Event::Type::kHeldElsewhere,
                      .text = "claimed by node " + workload.claimed_by};
    }
    if (decision == ClaimDecision::kClaim) {
      Json patch = ClaimPatch(workload.meta, options_.node_name, footprint);
      answer = co_await seams_.api->MergePatch(path, std::move(patch));
      if (!answer && answer.error().code() == Code::kConflict) continue;
      if (!answer) co_return Failed(answer.error());
      TakeClaim(workload, *answer);
    }
    if (Record* ours = Find(key); ours != nullptr && ours->entry) {
      ours->claimed = true;
      ours->entry->workload.claimed_by = options_.node_name;
      ours->entry->workload.claimed_footprint = footprint;
      ours->entry->workload.meta.resource_version = workload.meta.resource_version;
    }
    co_return Event{.type = Event::Type::kClaimed};
  }
  co_return Failed(answer.error().Within("claim of " + key));
}

asio::awaitable<std::optional<ClaimHolder>> Manager::Holder(std::string node) {
  const std::string path = kube::ResourcePath(kube::kLeaseType, "kube-node-lease", node);
  const auto lease = co_await seams_.api->Get(path);
  if (lease) co_return DecodeHolder(*lease);
  if (lease.error().code() == Code::kNotFound) co_return std::nullopt;
  // Unknown is not dead: taking over a live claim would run the model twice.
  co_return ClaimHolder{std::chrono::system_clock::now()};
}

// True when another node has taken the workload over, which it may once our Lease has expired.
bool Manager::LostClaim(Record& record) const {
  const kube::Workload& workload = record.entry->workload;
  const bool other = !workload.claimed_by.empty() && workload.claimed_by != options_.node_name;
  if (!other || !record.claimed) return false;
  record.claimed = false;
  LogWarn("another node has taken the workload over; stopping it here",
          {{"workload", record.key}, {"node", workload.claimed_by}});
  return true;
}

asio::awaitable<void> Manager::ReleaseClaim(Key key) {
  Record* record = Find(key);
  if (record == nullptr || !record->entry) co_return;
  record->claimed = false;
  if (seams_.api == nullptr) co_return;
  kube::Workload workload = record->entry->workload;
  // Bound to this node by name, nobody else may take it: waiting for memory keeps the claim.
  const bool bound = workload.node_name == options_.node_name;
  if (bound && record->it.state == State::kWaitingForMemory) {
    record->claimed = true;
    co_return;
  }
  // What was last seen is no longer so: the next claim has to be written.
  const auto forget = [](Record& of) {
    of.entry->workload.claimed_by.clear();
    of.entry->workload.claimed_footprint.reset();
  };
  ++record->releasing;
  forget(*record);
  co_await RemoveClaim(std::move(workload));
  record = Find(key);
  if (record == nullptr) co_return;
  --record->releasing;
  if (record->entry->workload.claimed_by == options_.node_name) forget(*record);
}

asio::awaitable<void> Manager::RemoveClaim(kube::Workload workload) {
  const std::string path = ObjectPath(workload);
  for (int attempt = 0; attempt < kConflictRetries; ++attempt) {
    auto object = co_await seams_.api->Get(path);
    if (!object) co_return;  // deleted, or unreachable: then our Lease runs out
    TakeClaim(workload, *object);
    if (workload.claimed_by != options_.node_name) co_return;
    Json patch = ReleasePatch(workload.meta);
    const auto written = co_await seams_.api->MergePatch(path, std::move(patch));
    if (written || written.error().code() != Code::kConflict) co_return;
  }
}

asio::awaitable<Result<void>> Manager::ReadHeader(Key key) {
  const Record* record = Find(key);
  if (record == nullptr || !record->entry) co_return Error(Code::kNotFound, key + " is gone");
  if (!IsLlama(*record)) co_return co_await ReadServerSize(key);
  if (!Missing(*record).empty()) co_return co_await ReadRemoteHeader(key);
  const auto model_path = LocalPath(record->entry->workload.source);
  const auto mmproj_path = LocalPath(record->entry->workload.spec.mmproj);
  if (!model_path) co_return model_path.error();
  if (!mmproj_path) co_return mmproj_path.error();
  const std::string path = *model_path, mmproj = *mmproj_path;
  const std::string stamp = StampOf(path) + StampOf(mmproj);
  if (record->header && !stamp.empty() && stamp == record->header_stamp) co_return Result<void>();

  struct Work {
    Result<sources::ModelHeader> header = Error();
    std::error_code mmproj_error;
    uint64_t mmproj_bytes = 0;
  };
  const auto work = std::make_shared<Work>();
  std::function<void()> read = [work, path, mmproj] {
    work->header = sources::ReadLocalHeader(path);
    if (!mmproj.empty()) {
      work->mmproj_bytes = std::filesystem::file_size(mmproj, work->mmproj_error);
    }
  };
  co_await net::RunBlocking(std::move(read));
  if (!work->header) co_return work->header.error();
  if (work->mmproj_error) {
    co_return Error(Code::kIo, "mmproj: " + mmproj + ": " + work->mmproj_error.message());
  }
  Record* now = Find(key);
  if (now == nullptr) co_return Error(Code::kNotFound, key + " is gone");
  now->header = std::move(*work->header);
  now->header_stamp = stamp;
  now->serving.mmproj_bytes = work->mmproj_bytes;
  co_return Result<void>();
}

Result<estimator::Verdict> Manager::Judge(Record& record) const {
  const auto capacity = seams_.capacity();
  if (!capacity) return capacity.error();
  const kube::Workload& workload = record.entry->workload;
  const auto& runtime = runtime_.known();
  auto serving = NodeServing(workload, capacity->accelerator, runtime ? runtime->version : "",
                             record.serving.mmproj_bytes);
  if (!serving) return serving.error();
  record.serving = std::move(*serving);
  PreflightInput input;
  input.workload = &workload;
  if (IsLlama(record)) input.header = &*record.header;
  input.declared = record.declared;
  input.serving = record.serving;
  input.node = *capacity;
  input.occupants = OccupantsWithout(record.key);
  input.now = std::chrono::system_clock::now();
  return Preflight(input);
}

asio::awaitable<void> Manager::Preflighted(Key key, uint64_t attempt) {
  Event event{.type = Event::Type::kStepFailed, .text = key + " is gone"};
  const auto read = co_await ReadHeader(key);
  Record* record = Find(key);
  if (record == nullptr) co_return;
  if (!read) {
    event.text = read.error().message();
  } else if (const auto verdict = Judge(*record); !verdict) {
    event.text = verdict.error().message();
  } else if (!verdict->allowed) {
    event = {.type = Event::Type::kRefused, .text = estimator::DenialText(*verdict)};
  } else {
    record->footprint = verdict->FootprintBytes();
    event = {.type = Event::Type::kPreflightPassed, .bytes = IsLlama(*record) ? record->header->model.file_bytes : record->footprint};
  }
  record->check_failed = event.type == Event::Type::kStepFailed;
  if (event.type != Event::Type::kPreflightPassed) record->reserved = false;
  event.attempt = attempt;
  Post(key, std::move(event));
}

}  // namespace headroom::exporter

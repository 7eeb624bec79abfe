// What others are told: log, status, events, endpoints, views.
#include "common/log.h"
#include "exporter/models/manager.h"
#include "exporter/models/manager_record.h"

namespace headroom::exporter {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds kStatusRetry{5};
constexpr std::chrono::minutes kSameStateInterval{1};

WallTime WallNow() { return std::chrono::system_clock::now(); }

}  // namespace

std::string Manager::EndpointUrl(const Record& record) const {
  if (record.it.state != State::kReady) return "";
  const std::string& host = options_.endpoint_host;
  return "http://" + (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" +
         std::to_string(record.port);
}

void Manager::Report(Record& record, State before) {
  const Supervised& it = record.it;
  if (record.told_not_honoured != record.not_honoured) {
    record.told_not_honoured = record.not_honoured;
    record.fields_due = !record.not_honoured.empty();
    for (const std::string& line : record.not_honoured) {
      LogWarn("field without effect", {{"workload", record.key}, {"field", line}});
    }
    if (record.fields_due) record.events.Add(FieldsEvent(record.not_honoured), WallNow());
  }
  if (it.state == before && it.reason == record.told_reason) return;
  if (!IsReported(it.state)) return;
  if (it.state == record.told && it.reason == record.told_reason) return;
  const bool entered = record.told != it.state;
  const SteadyTime now = std::chrono::steady_clock::now();
  // A verdict is repeated at each attempt with other figures; people read it once a minute at most.
  if (!entered && now - record.told_at < kSameStateInterval) return;
  record.told = it.state;
  record.told_reason = it.reason;
  record.told_at = now;
  const bool trouble = it.state == State::kUnhealthy || it.state == State::kBackoff ||
                       it.state == State::kFailed || it.state == State::kWaitingForMemory ||
                       it.state == State::kEvicted;
  if (entered) {
    Log(trouble ? LogLevel::kWarn : LogLevel::kInfo, "model " + std::string(ToString(it.state)),
        {{"workload", record.key}, {"reason", it.reason}});
    auto event = StateEvent(it.state, it.reason, record.check_failed, options_.node_name);
    if (event) record.events.Add(std::move(*event), WallNow());
  }
  if (entered && it.state == State::kReady) MarkFilesUsed(record);
  const bool asks = it.state == State::kReady && !record.loaded && record.entry && IsLlama(record);
  if (entered && asks) Start(record, AskLoaded(record.key, it.pid, record.port));
  if (it.state == State::kPending) return;
  record.event_due = record.event_due || entered;
  ReportSoon(record);
}

// A workload that another node holds is that node's to report on.
void Manager::ReportSoon(Record& record) {
  if (seams_.api == nullptr || !record.entry) return;
  if (IsHeldByAnother(record)) return;
  record.status_due = true;
  if (!std::exchange(record.status_running, true)) Start(record, WriteStatus(record.key));
}

void Manager::Tell(Record& record, kube::EventText event) {
  record.events.Add(event, WallNow());
  if (seams_.api == nullptr) return;
  record.more_events.push_back(std::move(event));
  ReportSoon(record);
}

void Manager::Measured(const std::string& key, pid_t pid, const ProcessMemory& memory) {
  Record* record = Find(key);
  if (record == nullptr || record->it.pid != pid) return;
  // While it loads its figures change with every page.
  const bool settled = record->it.state == State::kReady || record->it.state == State::kUnhealthy;
  if (!settled) return;
  const Usage::Step step =
      record->usage.Take(memory, record->footprint, std::chrono::steady_clock::now());
  if (!step.grows.empty()) {
    LogWarn("model server " + step.grows, {{"workload", key}});
    Tell(*record, GrowthEvent(step.grows, options_.node_name));
  }
  if (step.exceeded) {
    LogWarn("model server " + record->usage.Text(), {{"workload", key}});
    record->exceeded_due = true;
    record->events.Add(ExceededEvent(record->usage.Text(), options_.node_name), WallNow());
  }
  if (step.tell) ReportSoon(*record);
}

StatusInput Manager::StatusOf(const Record& record) const {
  StatusInput input;
  const kube::Workload& workload = record.entry->workload;
  input.kind = workload.kind;
  input.generation = workload.meta.generation;
  input.current = record.entry->status;
  input.state = record.it.state;
  input.reason = record.it.reason;
  input.claimed = record.claimed;
  input.check_failed = record.check_failed;
  input.node = options_.node_name;
  input.endpoint = EndpointUrl(record);
  input.footprint = record.footprint;
  input.restarts = record.it.restarts;
  input.not_honoured = record.not_honoured;
  input.download = record.download;
  input.pressure = pressure_;
  if (record.it.state == State::kGone) input.stopped = set_.StopReason(record.key);
  input.running = record.it.pid != 0;
  if (input.running) {
    input.started = record.started;
    input.memory = record.usage.told();
    input.exceeded = record.usage.Text();
  }
  return input;
}

// Each is said once.
std::vector<kube::EventText> Manager::DueEvents(Record& record) const {
  std::vector<kube::EventText> events;
  const Supervised& it = record.it;
  if (std::exchange(record.event_due, false)) {
    auto event = StateEvent(it.state, it.reason, record.check_failed, options_.node_name);
    if (event) events.push_back(std::move(*event));
  }
  if (std::exchange(record.fields_due, false)) events.push_back(FieldsEvent(record.not_honoured));
  if (std::exchange(record.exceeded_due, false) && record.usage.exceeded()) {
    events.push_back(ExceededEvent(record.usage.Text(), options_.node_name));
  }
  for (kube::EventText& event : std::exchange(record.more_events, {})) {
    events.push_back(std::move(event));
  }
  return events;
}

// One writer per object; changes that come while it writes are written after.
asio::awaitable<void> Manager::WriteStatus(Key key) {
  for (;;) {
    Record* record = Find(key);
    if (record == nullptr) co_return;
    if (!std::exchange(record->status_due, false) || IsHeldByAnother(*record)) {
      record->status_running = false;
      co_return;
    }
    const kube::Workload workload = record->entry->workload;
    const kube::ResourceType& type = kube::TypeOf(workload.kind);
    const StatusInput input = StatusOf(*record);
    std::vector<kube::EventText> events = DueEvents(*record);
    for (kube::EventText& event : events) {
      if (seams_.events == nullptr) break;
      co_await seams_.events->Record(type, workload.meta, std::move(event));
    }
    Json patch = StatusPatch(input, std::chrono::system_clock::now());
    // Conditions are written as a whole: on a version that somebody has changed since, his would
    // go.
    if (!workload.meta.resource_version.empty()) {
      patch.Make({"metadata"}).Set("resourceVersion", workload.meta.resource_version);
    }
    const auto written =
        co_await seams_.api->MergePatch(ObjectPath(workload, "status"), std::move(patch));
    if (written) TakeObject(key, *written);
    if (written || written.error().code() == Code::kNotFound) continue;
    if (written.error().code() == Code::kConflict) {
      const auto object = co_await seams_.api->Get(ObjectPath(workload));
      if (object) TakeObject(key, *object);
      record = Find(key);
      if (object && record != nullptr) record->status_due = true;
      if (object) continue;
    }
    LogWarn("cannot write the status", {{"workload", key}, {"error", written.error()}});
    if (stopping_ || written.error().code() == Code::kInvalid) continue;
    co_await net::SleepFor(kStatusRetry);
    record = Find(key);
    if (record != nullptr) record->status_due = true;
  }
}

EndpointChange Manager::Endpoint(const Record& record, EndpointChange::To to) const {
  const kube::Workload& workload = record.entry->workload;
  return {workload.kind, workload.meta, options_.endpoint_host, record.port, to};
}

std::vector<ModelView> Manager::Views() const {
  std::vector<ModelView> views;
  for (const auto& [key, record] : records_) {
    ModelView view;
    view.key = key;
    const size_t first = key.find('/'), second = key.find('/', first + 1);
    view.kind = key.substr(0, first);
    view.ns = key.substr(first + 1, second - first - 1);
    view.name = key.substr(second + 1);
    view.state = record->it.state;
    view.reason = record->it.reason;
    view.fields_ignored = record->not_honoured;
    view.pid = record->it.pid;
    view.port = record->it.pid != 0 ? record->port : 0;
    view.footprint = record->footprint;
    view.restarts = record->it.restarts;
    if (record->it.pid != 0) view.started = record->started;
    view.load_duration = record->it.load_duration;
    view.growing = record->it.pid != 0 && record->usage.growing();
    view.endpoint = EndpointUrl(*record);
    if (record->it.pid != 0) view.loaded = record->loaded;
    if (record->it.state == State::kFetching) view.download = record->download;
    view.events = record->events;
    views.push_back(std::move(view));
  }
  return views;
}

}  // namespace headroom::exporter

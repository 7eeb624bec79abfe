#include "exporter/models/manager.h"

#include <csignal>
#include <random>

#include "common/log.h"
#include "exporter/models/manager_record.h"

namespace headroom::exporter {

namespace asio = boost::asio;

namespace {

std::function<double()> Jitter() {
  return [engine = std::mt19937_64(std::random_device()())]() mutable {
    return std::uniform_real_distribution<double>(0.0, 1.0)(engine);
  };
}

SteadyTime Now() { return std::chrono::steady_clock::now(); }

}  // namespace

Manager::Manager(asio::any_io_executor executor, ManagerOptions options, ManagerSeams seams,
                 net::Reaper& reaper, StateDir& state)
    : options_(std::move(options)),
      seams_(std::move(seams)),
      reaper_(reaper),
      state_(state),
      jitter_(Jitter()),
      supervisor_(options_.policy, jitter_),
      evictor_(options_.eviction),
      runtime_(reaper, options_.llama_server),
      http_(executor),
      tasks_(executor, net::TaskGroup::Mode::kIndependent) {}

Manager::~Manager() = default;

asio::awaitable<void> Manager::Run() {
  tasks_.Spawn(RunTimers());
  tasks_.Spawn(RunLogs());
  co_await tasks_.Join();
}

Manager::Record* Manager::Find(const Key& key) {
  const auto found = records_.find(key);
  return found == records_.end() ? nullptr : found->second.get();
}

Manager::Record& Manager::Ensure(const Key& key) {
  auto& slot = records_[key];
  if (!slot) {
    slot = std::make_unique<Record>();
    slot->key = key;
    slot->it.since = Now();
  }
  return *slot;
}

void Manager::Apply(kube::Kind kind, const kube::ObjectEvent& event) {
  for (const Key& key : set_.Apply(kind, event)) Evaluate(key);
}

void Manager::Synced() {
  if (std::exchange(synced_, true)) return;
  std::vector<Key> keys;
  for (const auto& [key, record] : records_) keys.push_back(key);
  for (const Key& key : keys) Evaluate(key);
}

void Manager::Reconsider() {
  std::vector<Key> keys;
  for (const auto& [key, entry] : set_.entries()) keys.push_back(key);
  for (const Key& key : keys) Evaluate(key);
}

// Compares what the feeds say of a workload with what we do about it.
void Manager::Evaluate(const Key& key) {
  const WorkloadSet::Entry* entry = set_.Find(key);
  const bool mine =
      entry != nullptr && IsForNode(entry->workload, seams_.self(), options_.standalone);
  Record* record = Find(key);
  if (!mine) {
    // Before the feeds are complete, an adopted child may only be unknown yet.
    if (record != nullptr && (synced_ || record->entry))
      Post(key, {.type = Event::Type::kUnwanted});
    return;
  }
  if (stopping_) return;
  record = &Ensure(key);
  const bool changed = !record->entry || record->entry->spec != entry->spec || !record->it.wanted;
  TakeEntry(*record, *entry);
  const bool bound = entry->workload.node_name == options_.node_name;
  if (std::exchange(record->bound, bound) != bound && record->it.pid != 0) SaveState();
  const bool lost = LostClaim(*record);
  if (lost) Post(key, {.type = Event::Type::kUnwanted});
  if (changed || lost) Want(*record);
  if (!record->entry->workload.claimed_by.empty() || seams_.api == nullptr) return;
  if (record->it.state == State::kPending) Post(key, {.type = Event::Type::kClaimFree});
  const bool taken_away = synced_ && record->claimed && record->it.pid != 0;
  if (taken_away && !std::exchange(record->reaffirming, true)) Start(*record, Reaffirm(key));
}

void Manager::Want(Record& record) {
  if (const auto plan = Plan(record, 0)) {
    Post(record.key, {.type = Event::Type::kWanted, .text = plan->identity});
  } else {
    Post(record.key, {.type = Event::Type::kInvalid, .text = plan.error().message()});
  }
}

// Without a known llama-server the launch has no identity yet; the claim step finds out more.
Result<LaunchPlan> Manager::Plan(const Record& record, uint16_t port) const {
  const kube::Workload& workload = record.entry->workload;
  if (!IsLlama(record)) return PlanOther(record, port);
  const auto path = LocalPath(workload.source);
  if (!path) return path.error();
  const auto mmproj = LocalPath(workload.spec.mmproj);
  if (!mmproj) return mmproj.error().Within("mmproj");
  if (const auto sum = sources::NormaliseSha256(workload.sha256); !sum) return sum.error();
  const auto capacity = seams_.capacity();
  const std::string accelerator = capacity ? capacity->accelerator : "metal";
  const auto& runtime = runtime_.known();
  auto serving = NodeServing(workload, accelerator, runtime ? runtime->version : "", 0);
  if (!serving) return serving.error();
  LaunchInput input;
  input.workload = &workload;
  input.fields = record.entry->fields;
  input.model_fields = record.entry->model_fields;
  input.serving = std::move(*serving);
  input.model_path = *path;
  input.mmproj_path = *mmproj;
  input.host = options_.model_host;
  input.port = port;
  if (!runtime) {
    const std::string& known = record.it.identity;  // of an adopted child, which may go on
    LaunchPlan unknown;
    unknown.identity = known.empty() ? "unknown-runtime" : known;
    return unknown;
  }
  input.runtime = &*runtime;
  auto plan = PlanLaunch(input);
  if (plan && seams_.api == nullptr && !workload.source_secret.empty()) {
    plan->not_honoured.push_back("spec.sourceSecretRef: there are no Secrets without a cluster");
  }
  return plan;
}

void Manager::Post(const Key& key, Event event) {
  queue_.emplace_back(key, std::move(event));
  Drain();
}

// Events that actions cause are handled after the step that caused them, never inside it.
void Manager::Drain() {
  if (std::exchange(draining_queue_, true)) return;
  while (!queue_.empty()) {
    const auto [key, event] = std::move(queue_.front());
    queue_.pop_front();
    Record* record = Find(key);
    if (record == nullptr) continue;
    const State before = record->it.state;
    const pid_t child = record->it.pid;
    const auto load = record->it.load_duration;
    for (const Action action : supervisor_.Step(record->it, event, Now())) {
      Perform(*record, action);
    }
    if (record->it.pid != child || record->it.load_duration != load) SaveState();
    Report(*record, before);
    const bool finished = record->it.state == State::kGone && record->tasks == 0;
    if (finished && !record->status_due) records_.erase(key);
  }
  draining_queue_ = false;
  wake_.Notify();
}

void Manager::Perform(Record& record, Action action) {
  const Key& key = record.key;
  switch (action) {
    case Action::kClaim: return Start(record, Claim(key, record.it.attempt));
    case Action::kFetch: return Start(record, Fetch(key, record.it.attempt));
    case Action::kReleaseClaim: record.reserved = false; return Start(record, ReleaseClaim(key));
    case Action::kAcquireSlot:
      if (record.it.pid != 0) return gate_.Hold(key);
      if (!gate_.Acquire(key)) return;
      queue_.emplace_back(key,
                          Event{.type = Event::Type::kSlotGranted, .attempt = record.it.attempt});
      return;
    case Action::kReleaseSlot:
      if (const auto next = gate_.Release(key)) {
        const Record* waiting = Find(*next);
        queue_.emplace_back(*next, Event{.type = Event::Type::kSlotGranted,
                                         .attempt = waiting ? waiting->it.attempt : 0});
      }
      return;
    case Action::kPreflight: return Start(record, Preflighted(key, record.it.attempt));
    case Action::kSpawn: return Spawn(record);
    case Action::kProbe: return Start(record, Probe(key, record.it.pid, record.port));
    case Action::kTerminate: return Signal(record, SIGTERM);
    case Action::kKill: return Signal(record, SIGKILL);
    case Action::kPublish:
    case Action::kWithdraw:
      if (!seams_.endpoint || !record.entry) return;
      record.endpoint_left = true;
      return Start(record, seams_.endpoint(Endpoint(record, action == Action::kPublish
                                                                ? EndpointChange::To::kReady
                                                                : EndpointChange::To::kNotReady)));
  }
}

void Manager::Start(Record& record, asio::awaitable<void> task) {
  ++record.tasks;
  tasks_.Spawn(Counted(record.key, std::move(task)));
}

asio::awaitable<void> Manager::Counted(Key key, asio::awaitable<void> task) {
  co_await std::move(task);
  if (Record* record = Find(key)) --record->tasks;
  Post(key, {});  // a tick: a record that only waited for this task can go now
}

asio::awaitable<void> Manager::RunTimers() {
  for (;;) {
    const SteadyTime now = Now();
    SteadyTime next = FenceWhereDue(now);
    std::vector<Key> due;
    for (const auto& [key, record] : records_) {
      const auto at = supervisor_.NextWake(record->it);
      if (at && *at <= now) due.push_back(key);
      if (at) next = std::min(next, *at);
    }
    for (const Key& key : due) Post(key, {});
    // A tick that changed nothing must not make this loop spin.
    if (!due.empty()) next = std::max(next, now + std::chrono::milliseconds(10));
    co_await wake_.Wait(next);
  }
}

void Manager::MemoryFreed() {
  std::vector<Key> waiting;
  for (const auto& [key, record] : records_) {
    if (record->it.state == State::kWaitingForMemory) waiting.push_back(key);
  }
  for (const Key& key : waiting) Post(key, {.type = Event::Type::kMemoryFreed});
}

asio::awaitable<void> Manager::StopModels() {
  stopping_ = true;
  std::vector<Key> keys;
  for (const auto& [key, record] : records_) keys.push_back(key);
  for (const Key& key : keys) Post(key, {.type = Event::Type::kUnwanted});
  while (!records_.empty()) co_await wake_.Wait(net::After(std::chrono::seconds(1)));
}

std::vector<estimator::Occupant> Manager::OccupantsWithout(const Key& key) const {
  std::vector<estimator::Occupant> occupants;
  for (const auto& [other, record] : records_) {
    if (other == key || !record->Counts()) continue;
    const std::string name = other.substr(other.find('/') + 1);
    occupants.push_back({name, record->footprint});
  }
  return occupants;
}

std::vector<estimator::Commitment> Manager::Commitments() const {
  std::vector<estimator::Commitment> out;
  for (const auto& [key, record] : records_) {
    if (record->Counts()) out.push_back({key, record->footprint});
  }
  return out;
}

uint64_t Manager::Committed() const {
  uint64_t sum = 0;
  for (const auto& [key, record] : records_) {
    if (record->Counts()) sum += record->footprint;
  }
  return sum;
}

}  // namespace headroom::exporter

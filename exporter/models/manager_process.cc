// Children: start, adopt, watch, ask, signal.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <thread>

#include "common/log.h"
#include "exporter/models/child_log.h"
#include "exporter/models/manager.h"
#include "exporter/models/manager_record.h"

namespace headroom::exporter {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds kHealthTimeout{5};
constexpr std::chrono::milliseconds kAdoptedPoll{500};
constexpr std::chrono::seconds kLogPoll{1};

}  // namespace

std::string Manager::LogFile(const Key& key) const {
  std::string name = key;
  for (char& c : name) c = c == '/' ? '_' : c;
  return state_.folder() + "/logs/" + name + ".log";
}

void Manager::Spawn(Record& record) {
  const auto fail = [&](const Error& error) {
    record.reserved = false;
    queue_.emplace_back(record.key,
                        Event{.type = Event::Type::kSpawnFailed, .text = error.message()});
  };
  std::set<uint16_t> taken;
  for (const auto& [key, other] : records_) {
    if (other.get() != &record && other->it.pid != 0) taken.insert(other->port);
  }
  const auto asked = record.entry->workload.spec.port;
  const bool usable = asked && *asked > 0 && *asked <= 65535;
  const PortRange range =
      usable ? PortRange{static_cast<uint16_t>(*asked), static_cast<uint16_t>(*asked)}
             : options_.ports;
  const auto port = PickPort(range, taken, options_.model_host);
  if (!port) return fail(port.error());
  const auto plan = Plan(record, *port);
  if (!plan) return fail(plan.error());

  net::SpawnOptions spawn;
  spawn.executable = plan->executable;
  spawn.arguments = plan->arguments;
  spawn.environment = plan->environment;
  spawn.output_file = LogFile(record.key);
  // Killed between the start and the next line, we leave a child that the state file does not know.
  spawn.environment.push_back(Marker());
  spawn.environment.push_back("HEADROOM_WORKLOAD=" + record.key);
  std::error_code ignored;
  std::filesystem::create_directories(state_.folder() + "/logs", ignored);
  const auto pid = net::Spawn(spawn);
  if (!pid) return fail(pid.error());
  record.port = *port;
  record.launched_identity = plan->identity;
  record.start_time = net::ProcessStartTime(*pid).value_or(0);
  // As the state file keeps it, so that nothing changes for whoever adopts it.
  record.started = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  record.usage = {};
  record.loaded.reset();
  record.reserved = record.adopted = record.fenced = false;
  LogInfo("llama-server started", {{"workload", record.key},
                                   {"pid", static_cast<int64_t>(*pid)},
                                   {"port", static_cast<int64_t>(*port)}});
  queue_.emplace_back(record.key, Event{.type = Event::Type::kSpawned, .pid = *pid});
  Start(record, WatchChild(record.key, *pid));
}

asio::awaitable<void> Manager::WatchChild(Key key, pid_t pid) {
  for (;;) {
    const auto status = co_await reaper_.Wait(pid, net::After(std::chrono::hours(1)));
    if (!status) continue;
    const std::string how = status->ToString();
    OnExit(key, pid, how);
    co_return;
  }
}

// Somebody else's child by now: nobody tells us of its end.
asio::awaitable<void> Manager::WatchAdopted(Key key, pid_t pid, uint64_t start_time) {
  while (net::ProcessStartTime(pid) == start_time) co_await net::SleepFor(kAdoptedPoll);
  OnExit(key, pid, "ended (exit status unknown, started by an earlier exporter)");
}

void Manager::OnExit(Key key, pid_t pid, std::string how) {
  (void)net::SignalGroup(pid, SIGKILL);  // what it may have started itself
  const Record* record = Find(key);
  if (record == nullptr) return;
  const bool unasked = record->it.state != State::kStopping;
  Log(unasked ? LogLevel::kWarn : LogLevel::kInfo, "llama-server ended",
      {{"workload", key}, {"pid", static_cast<int64_t>(pid)}, {"status", how}});
  if (const std::string tail = LogTail(LogFile(key)); unasked && !tail.empty()) {
    how += "; its last output:\n" + tail;
  }
  Post(key, {.type = Event::Type::kExited, .text = std::move(how), .pid = pid});
  MemoryFreed();
}

void Manager::Signal(Record& record, int signal) {
  // The pid may have been given to another process since.
  if (net::ProcessStartTime(record.it.pid) != record.start_time) return;
  if (const auto sent = net::SignalGroup(record.it.pid, signal); !sent) {
    LogError("cannot stop llama-server", {{"workload", record.key}, {"error", sent.error()}});
  }
}

void Manager::SaveState() {
  if (adopting_) return;
  std::vector<ChildRecord> children;
  for (const auto& [key, record] : records_) {
    if (record->it.pid == 0) continue;
    children.push_back({key, record->it.pid, record->start_time, record->port,
                        record->launched_identity, record->footprint, record->bound,
                        record->started, record->it.restarts, record->it.load_duration});
  }
  if (const auto saved = state_.Save(children); !saved) {
    LogError("the next exporter will not know the running models", {{"error", saved.error()}});
  }
}

Result<void> Manager::Adopt() {
  const auto children = state_.Load();
  if (!children) return children.error();
  adopting_ = true;
  for (const ChildRecord& child : *children) {
    if (net::ProcessStartTime(child.pid) != child.start_time) continue;
    Record& record = Ensure(child.key);
    record.port = child.port;
    record.start_time = child.start_time;
    record.footprint = child.footprint;
    record.bound = child.bound;
    record.launched_identity = child.identity;
    record.started = child.started;
    record.adopted = record.claimed = true;
    LogInfo("adopted a running llama-server",
            {{"workload", child.key}, {"pid", static_cast<int64_t>(child.pid)}});
    Post(child.key, {.type = Event::Type::kAdopted,
                     .text = child.identity,
                     .pid = child.pid,
                     .bytes = child.footprint,  // about that of its file, and not less
                     .restarts = child.restarts,
                     .load = child.load_duration});
    Start(record, WatchAdopted(child.key, child.pid, child.start_time));
  }
  adopting_ = false;
  KillOrphans();
  SaveState();
  return {};
}

// Not the name of a flag's variable: that one may be in the environment of any shell.
std::string Manager::Marker() const {
  std::error_code ignored;
  const auto folder = std::filesystem::canonical(state_.folder(), ignored);
  return "HEADROOM_CHILD_OF=" + (ignored ? state_.folder() : folder.string());
}

// The state folder is locked, so whatever carries its name was started by an earlier exporter: by
// one that was killed before it could write that down, or by a llama-server that has ended since.
void Manager::KillOrphans() const {
  constexpr auto kPatience = std::chrono::seconds(5);
  const auto is_ours = [this](pid_t group) {
    return group == ::getpgrp() ||
           std::any_of(records_.begin(), records_.end(),
                       [group](const auto& entry) { return entry.second->it.pid == group; });
  };
  const SteadyTime limit = std::chrono::steady_clock::now() + kPatience;
  for (bool any = true; any && std::chrono::steady_clock::now() < limit;) {
    any = false;
    for (const net::ProcessInGroup& process : net::FindByEnvironment(Marker())) {
      if (is_ours(process.group)) continue;
      any = true;
      LogWarn("ending a process that an earlier exporter left",
              {{"pid", static_cast<int64_t>(process.pid)}});
      (void)net::SignalGroup(process.group, SIGKILL);
    }
    // Before anything is launched: nothing may run twice.
    if (any) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

asio::awaitable<void> Manager::RunLogs() {
  for (;;) {
    for (const auto& [key, record] : records_) {
      if (record->it.pid == 0) continue;
      if (const auto kept = RotateLog(LogFile(key)); !kept) {
        LogWarn("a log grows without limit", {{"error", kept.error()}});
      }
    }
    co_await net::SleepFor(kLogPoll);
  }
}

// A GET of a child's. A kept connection would occupy one of the server's request threads.
asio::awaitable<Result<net::HttpResponse>> Manager::Ask(std::string target, uint16_t port,
                                                        std::string api_key) {
  net::Url url;
  url.scheme = "http";
  url.host = DialHost(options_.model_host);
  url.port = port;
  url.target = target;
  net::HttpRequest request{"GET", std::move(target), {{"Connection", "close"}}, ""};
  if (!api_key.empty()) request.headers.Add("Authorization", "Bearer " + api_key);
  const net::Deadline deadline = net::After(kHealthTimeout);
  co_return co_await http_.Fetch(std::move(url), std::move(request), deadline);
}

asio::awaitable<void> Manager::Probe(Key key, pid_t pid, uint16_t port) {
  const Record* record = Find(key);
  std::string target = record != nullptr ? HealthPath(*record) : "/health";
  const auto response = co_await Ask(std::move(target), port, "");
  Event event{.type = Event::Type::kProbeFailed, .pid = pid};
  if (!response) {
    event.text = response.error().message();
  } else if (response->status == 200) {
    event.type = Event::Type::kProbeOk;
  } else if (response->status == 503) {
    event.type = Event::Type::kProbeLoading;
  } else {
    event.text = "HTTP " + std::to_string(response->status);
  }
  Post(key, std::move(event));
}

// Once for each server that has become ready. One that does not say it is none the worse.
asio::awaitable<void> Manager::AskLoaded(Key key, pid_t pid, uint16_t port) {
  std::string api_key = ApiKey(key);
  const auto response = co_await Ask("/props", port, std::move(api_key));
  Record* record = Find(key);
  const bool answered = response && response->status == 200;
  if (!answered || record == nullptr || record->it.pid != pid) co_return;
  const auto loaded = ParseProps(response->body);
  if (!loaded) co_return;
  record->loaded = *loaded;
  if (record->adopted) co_return;  // with what it was admitted is not known any more
  const std::string difference = DifferenceFrom(record->serving, *loaded);
  if (difference.empty()) co_return;
  LogWarn(difference, {{"workload", key}});
  Tell(*record, {true, "ServesOtherwise", difference});
}

}  // namespace headroom::exporter

// Manager: the shell around the supervisor. It hears from the feeds which workloads exist, keeps
// one state machine for each that is for this node, carries out their actions (claims, pre-flights,
// child processes, health requests, status, endpoints) and feeds the results back.
// One thread; owned by the app, which outlives none of the tasks started here: Run() joins them.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "exporter/memory/pressure.h"
#include "exporter/models/claim.h"
#include "exporter/models/event_ring.h"
#include "exporter/models/eviction.h"
#include "exporter/models/fetcher.h"
#include "exporter/models/holder_watch.h"
#include "exporter/models/launch.h"
#include "exporter/models/load_gate.h"
#include "exporter/models/loaded.h"
#include "exporter/models/ports.h"
#include "exporter/models/preflight.h"
#include "exporter/models/runtime_probe.h"
#include "exporter/models/state_file.h"
#include "exporter/models/status.h"
#include "exporter/models/supervisor.h"
#include "exporter/models/workload_set.h"
#include "kube/client.h"
#include "kube/events.h"
#include "net/async.h"
#include "net/http_client.h"
#include "net/process.h"
#include "net/task_group.h"

namespace headroom::exporter {

struct ManagerOptions {
  std::string node_name;
  bool standalone = false;                  // manifests from this node's own folder, no API server
  std::string model_host = "127.0.0.1";     // llama-server's --host
  std::string endpoint_host = "127.0.0.1";  // where others reach it
  PortRange ports{19900, 19999};
  std::string llama_server = "llama-server";
  std::map<std::string, std::string> servers;  // programs of others, by their runtime's name
  SupervisorPolicy policy;
  // Over twice this time the claims of several nodes for a new workload are spread (ClaimDelay).
  std::chrono::milliseconds claim_spread{1'000};
  EvictionOptions eviction;
};

// What becomes of the endpoint of a workload: which object it serves, where, and how it is.
struct EndpointChange {
  enum class To {
    kReady,
    kNotReady,  // serves nothing at the moment
    kRemoved,   // this node does not serve the workload any more
  };
  kube::Kind kind = kube::Kind::kModel;
  kube::Meta object;
  std::string host;
  uint16_t port = 0;
  To to = To::kNotReady;
};

// What the manager uses of the rest of the program. Everything outlives it.
struct ManagerSeams {
  std::function<Result<estimator::NodeCapacity>()> capacity;  // of this node, now
  std::function<kube::Node()> self;                           // labels, for selectors
  // Until when our Lease keeps others from what we claimed; empty = there are no others.
  std::function<SteadyTime()> trusted_until;
  std::function<Result<ProcessMemory>(pid_t)> process_memory;  // of a child; empty = unknown
  kube::ApiClient* api = nullptr;                              // null = standalone
  kube::EventRecorder* events = nullptr;                       // null = log only
  Fetcher* fetcher = nullptr;                                  // null = only files it has
  std::function<boost::asio::awaitable<void>(EndpointChange)> endpoint;  // may be empty
};

// One workload as others see it (/v1/models, metrics).
struct ModelView {
  std::string key, ns, name, kind;
  State state = State::kPending;
  std::string reason;
  std::vector<std::string> fields_ignored;
  pid_t pid = 0;
  uint16_t port = 0;
  uint64_t footprint = 0;  // as admitted; 0 = not known yet
  int restarts = 0;
  std::optional<WallTime> started;
  std::optional<std::chrono::milliseconds> load_duration;
  bool growing = false;                               // Usage::growing()
  std::string endpoint;                               // while ready
  std::optional<sources::DownloadProgress> download;  // while it is fetched
  std::optional<Loaded> loaded;                       // as llama-server says
  EventRing events;
};

// A failed download as the supervisor is told of it: retried soon, later, or not before an edit.
Event FetchFailure(const Error& error);

class Manager {
 public:
  Manager(boost::asio::any_io_executor executor, ManagerOptions options, ManagerSeams seams,
          net::Reaper& reaper, StateDir& state);
  ~Manager();

  // Adopts the children an earlier exporter left. Call once, before Run() and the feeds.
  Result<void> Adopt();
  // Learns what llama-server is installed; an error is no reason not to run.
  boost::asio::awaitable<Result<Runtime>> Prepare() { return runtime_.Get(); }
  // Until cancelled. Children keep running.
  boost::asio::awaitable<void> Run();
  // What a feed says; the kind of manifest objects is in the object itself.
  void Apply(kube::Kind kind, const kube::ObjectEvent& event);
  // All feeds have told everything once: adopted children nobody wants may be stopped from now on.
  void Synced();
  // What the process of a running model uses now (ModelView::key).
  void Measured(const std::string& key, pid_t pid, const ProcessMemory& memory);
  // Which workloads are for this node may have changed.
  void Reconsider();
  // Memory may be free that was not.
  void MemoryFreed();
  // One look of the watchdog: tells the objects of a change, and evicts where that is wanted.
  void OnMemory(const PressureStep& pressure, const Result<MemorySample>& sample);
  // What a person should know before memory is short: one event on each model that runs.
  void TellTrend(const std::string& news);
  const EvictionCounts& evictions() const { return evictor_.counts(); }
  // Drains all models; returns when no child is left. Needs Run().
  boost::asio::awaitable<void> StopModels();

  std::vector<ModelView> Views() const;
  // What the server of a model (ModelView::key) asks for, see api_key.h.
  std::string ApiKey(const std::string& key) const;
  uint64_t Committed() const;  // bytes of all models that run or are about to
  std::vector<estimator::Commitment> Commitments() const;  // the same, by workload
  const RuntimeProbe& runtime() const { return runtime_; }

 private:
  struct Record;
  using Key = std::string;

  // manager.cc: events in, actions out
  Record& Ensure(const Key& key);
  Record* Find(const Key& key);
  void Evaluate(const Key& key);
  void Want(Record& record);
  Result<LaunchPlan> Plan(const Record& record, uint16_t port) const;
  void Post(const Key& key, Event event);
  void Drain();
  void Perform(Record& record, Action action);
  void Start(Record& record, boost::asio::awaitable<void> task);
  boost::asio::awaitable<void> Counted(Key key, boost::asio::awaitable<void> task);
  boost::asio::awaitable<void> RunTimers();
  std::vector<estimator::Occupant> OccupantsWithout(const Key& key) const;

  // manager_claim.cc: taking
  bool IsHeldByAnother(const Record& record) const;
  bool MayRely(const Record& record) const;
  Event OutOfTouch() const;
  boost::asio::awaitable<void> Claim(Key key, uint64_t attempt);
  boost::asio::awaitable<Event> TryClaim(Key key);
  std::optional<Event> Refusal(Record& record) const;
  std::chrono::milliseconds PauseBeforeClaim(const Record& record) const;
  boost::asio::awaitable<std::optional<Event>> HeldElsewhere(kube::Workload workload);
  boost::asio::awaitable<Event> WriteClaim(Key key, uint64_t footprint);
  boost::asio::awaitable<void> Claimed(Key key, Json object, std::string before);

  // manager_holding.cc: keeping and giving back
  void TakeObject(const Key& key, const Json& object);
  void TakeEntry(Record& record, const WorkloadSet::Entry& entry);
  bool LostClaim(Record& record) const;
  SteadyTime FenceWhereDue(SteadyTime now);
  boost::asio::awaitable<void> Reaffirm(Key key);
  boost::asio::awaitable<void> ReleaseClaim(Key key);
  boost::asio::awaitable<void> RemoveEndpoint(Key key);
  boost::asio::awaitable<std::optional<Json>> RemoveClaim(kube::Workload workload);

  // manager_preflight.cc
  boost::asio::awaitable<Result<void>> ReadHeader(Key key);
  boost::asio::awaitable<Result<void>> ReadRemoteHeader(Key key);
  Result<estimator::Verdict> Judge(Record& record) const;
  boost::asio::awaitable<void> Preflighted(Key key, uint64_t attempt);

  // manager_fetch.cc
  struct Fetchable {
    sources::Source source;
    std::string sha256;
    bool projector = false;
  };
  std::vector<std::string> FilesInUse() const;
  void MarkFilesUsed(const Record& record) const;
  boost::asio::awaitable<Result<std::string>> SourceToken(Key key);
  Result<std::string> LocalPath(const std::string& text) const;
  std::optional<sources::Source> Lacking(const std::string& text, const std::string& sha256) const;
  std::vector<Fetchable> Missing(const Record& record) const;
  Record* Fetching(const Key& key, uint64_t attempt);
  boost::asio::awaitable<void> Fetch(Key key, uint64_t attempt);
  boost::asio::awaitable<Event> TryFetch(Key key, uint64_t attempt);
  void ReportProgress(Record& record, const sources::DownloadProgress& progress);

  // manager_server.cc
  bool IsLlama(const Record& record) const;
  std::string HealthPath(const Record& record) const;
  Result<LaunchPlan> PlanOther(const Record& record, uint16_t port) const;
  boost::asio::awaitable<Result<void>> ReadServerSize(Key key);

  // manager_process.cc
  void Spawn(Record& record);
  void Signal(Record& record, int signal);
  void OnExit(Key key, pid_t pid, std::string how);
  void SaveState();
  boost::asio::awaitable<void> WatchChild(Key key, pid_t pid);
  boost::asio::awaitable<void> WatchAdopted(Key key, pid_t pid, uint64_t start_time);
  boost::asio::awaitable<Result<net::HttpResponse>> Ask(std::string target, uint16_t port,
                                                        std::string api_key);
  boost::asio::awaitable<void> Probe(Key key, pid_t pid, uint16_t port);
  boost::asio::awaitable<void> AskLoaded(Key key, pid_t pid, uint16_t port);
  std::string LogFile(const Key& key) const;
  std::string Marker() const;
  void KillOrphans() const;
  boost::asio::awaitable<void> RunLogs();

  // manager_pressure.cc
  std::vector<EvictionModel> Evictable() const;
  void TellRunning(const kube::EventText& event);
  void TellPressure();
  void TellSkipped(const EvictionStep& step);

  // manager_report.cc
  void Report(Record& record, State before);
  std::vector<kube::EventText> DueEvents(Record& record) const;
  StatusInput StatusOf(const Record& record) const;
  // Beside what its state says: shown on the page, and written on the object where there is one.
  void Tell(Record& record, kube::EventText event);
  void ReportSoon(Record& record);
  boost::asio::awaitable<void> WriteStatus(Key key);
  EndpointChange Endpoint(const Record& record, EndpointChange::To to) const;
  std::string EndpointUrl(const Record& record) const;

  ManagerOptions options_;
  ManagerSeams seams_;
  net::Reaper& reaper_;
  StateDir& state_;
  std::function<double()> jitter_;  // [0, 1)
  Supervisor supervisor_;
  Evictor evictor_;
  HolderWatch holders_;
  Pressure pressure_ = Pressure::kUnknown;
  RuntimeProbe runtime_;
  net::HttpClient http_;
  net::TaskGroup tasks_;
  net::Notifier wake_;
  WorkloadSet set_;
  LoadGate gate_;
  std::map<Key, std::unique_ptr<Record>> records_;
  std::deque<std::pair<Key, Event>> queue_;
  bool draining_queue_ = false;
  bool adopting_ = false;  // the list of children is not complete yet
  bool synced_ = false, stopping_ = false;
};

}  // namespace headroom::exporter

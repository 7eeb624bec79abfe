// How the parts of an App are made and fed.
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "common/files.h"
#include "common/log.h"
#include "estimator/commitments.h"
#include "exporter/app_state.h"
#include "exporter/models/guard.h"

namespace headroom::exporter {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds kManifestPoll{1};

bool IsAny(const std::string& host) { return host.empty() || host == "0.0.0.0" || host == "::"; }

// The address of ours that packets to `host` would leave from; "" when there is none.
std::string SourceAddressTo(const std::string& host, uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return "";
  std::string text;
  const int fd = ::socket(found->ai_family, SOCK_DGRAM, 0);
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  char name[NI_MAXHOST];
  // Connecting a datagram socket sends nothing; it only chooses the route.
  if (fd >= 0 && ::connect(fd, found->ai_addr, found->ai_addrlen) == 0 &&
      ::getsockname(fd, generic, &size) == 0 &&
      ::getnameinfo(generic, size, name, sizeof name, nullptr, 0, NI_NUMERICHOST) == 0) {
    text = name;
  }
  if (fd >= 0) ::close(fd);
  ::freeaddrinfo(found);
  return text;
}

std::string HostPort(const std::string& host, uint16_t port) {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" +
         std::to_string(port);
}

}  // namespace

Result<void> App::State::MakeMachine() {
  if (options.advertise_address.empty() && !options.kubeconfig.empty()) {
    const auto config = kube::LoadConfig(options.kubeconfig);
    if (!config) return config.error();
    options.advertise_address = SourceAddressTo(config->server.host, config->server.port);
  }
  const std::string bound = net::ParseEndpoint(options.listen)->host;
  std::string host = IsAny(bound) ? options.advertise_address : bound;
  if (host.empty()) host = "127.0.0.1";
  const std::string scheme = tls ? "https://" : "http://";
  machine = std::make_unique<Machine>(MachineOptions{options.node_name, options.BudgetSetting(),
                                                     scheme + HostPort(host, server->port()),
                                                     options.watchdog_interval, options.pressure},
                                      MakeMemoryProvider());
  return {};
}

Result<void> App::State::Connect() {
  if (options.kubeconfig.empty()) return {};
  auto config = kube::LoadConfig(options.kubeconfig);
  if (!config) return config.error();
  auto client = kube::ApiClient::Make(executor, std::move(*config));
  if (!client) return client.error().Within("--kubeconfig " + options.kubeconfig);
  api = std::move(*client);
  events = std::make_unique<kube::EventRecorder>(*api, "headroom-exporter", options.node_name);
  endpoints = std::make_unique<EndpointPublisher>(*api, options.node_name);
  PublisherOptions publisher;
  publisher.identity = Identity();
  publisher.register_node = options.register_node;
  publisher.lease =
      LeaseOptions::For(std::chrono::floor<std::chrono::seconds>(options.lease_duration));
  // When we have had the time to stop what others may take, the guard does.
  publisher.lease.on_trust = [this](SteadyTime until) {
    const auto saved = SaveDeadline(options.state_dir, until + options.lease_duration / 8);
    if (!saved) LogError("the guard does not hear of the Lease", {{"error", saved.error()}});
  };
  publisher.on_labels = [this] { manager->Reconsider(); };
  node_publisher =
      std::make_unique<NodePublisher>(*api, std::move(publisher), [this] { return Capacity(); });
  return {};
}

Result<void> App::State::MakeFetcher() {
  FetcherOptions wanted;
  std::error_code made;
  std::filesystem::create_directories(options.store_dir, made);
  if (made) {
    return Error(Code::kIo, "--store-dir " + options.store_dir + ": " + made.message());
  }
  wanted.store_dir = std::filesystem::canonical(options.store_dir).string();
  auto entries = sources::AddressPolicy::DefaultEntries();
  entries.insert(entries.end(), options.source_allow.begin(), options.source_allow.end());
  auto policy = sources::AddressPolicy::Parse(entries);
  if (!policy) return policy.error().Within("--source-allow");
  wanted.policy = std::move(*policy);
  if (!options.source_ca.empty()) {
    auto ca = ReadFile(options.source_ca);
    if (!ca) return ca.error().Within("--source-ca");
    auto context = net::MakeClientContext({.ca_pem = *ca, .certificate_pem = "", .key_pem = ""});
    if (!context) return context.error().Within("--source-ca " + options.source_ca);
    wanted.tls = *context;
  }
  wanted.token_file = options.hf_token_file;
  wanted.store_limit = options.store_limit;
  fetcher = std::make_unique<Fetcher>(executor, std::move(wanted));
  return {};
}

void App::State::MakeManager() {
  ManagerOptions wanted;
  wanted.node_name = options.node_name;
  wanted.standalone = !api;
  wanted.model_host = options.model_host;
  wanted.endpoint_host = IsAny(options.model_host) ? options.advertise_address : options.model_host;
  wanted.ports = options.model_ports;
  wanted.llama_server = options.llama_server;
  wanted.servers = options.servers;
  wanted.eviction.enabled = options.eviction_enabled;
  wanted.eviction.cool_down = options.eviction_cool_down;
  wanted.policy.fence_drain = options.lease_duration / 8;
  // A release of a claim, or the end of a Lease, is noticed about as fast as Leases last.
  wanted.policy.claimed_elsewhere_retry = options.lease_duration * 3 / 4;
  ManagerSeams seams;
  seams.capacity = [this] { return Capacity(); };
  seams.self = [this] { return Self(); };
  seams.process_memory = [this](pid_t pid) { return machine->provider().SampleProcess(pid); };
  if (node_publisher) {
    seams.trusted_until = [this] { return node_publisher->lease().trusted_until(); };
  }
  seams.api = api.get();
  seams.events = events.get();
  seams.fetcher = fetcher.get();
  if (endpoints) {
    seams.endpoint = [this](EndpointChange change) { return endpoints->Apply(std::move(change)); };
  }
  manager =
      std::make_unique<Manager>(executor, std::move(wanted), std::move(seams), reaper, *state_dir);
}

Result<estimator::NodeCapacity> App::State::Capacity() {
  const auto& runtime = manager->runtime().known();
  auto capacity = machine->Capacity(manager->Committed(), runtime ? runtime->version : "");
  if (capacity) capacity->commitments = manager->Commitments();
  return capacity;
}

Result<estimator::Candidate> App::State::Candidate() {
  auto capacity = Capacity();
  if (!capacity) return capacity.error();
  const estimator::Commitments committed(*capacity);
  estimator::Candidate candidate;
  for (const auto& [key, bytes] : committed.left()) {
    candidate.occupants.push_back({estimator::NameOfKey(key), bytes});
  }
  candidate.other_bytes = committed.Unnamed();
  candidate.node = std::move(*capacity);
  return candidate;
}

kube::Node App::State::Self() const {
  kube::Node node;
  node.meta.name = options.node_name;
  node.publishes = true;
  node.capacity.name = options.node_name;
  node.capacity.accelerator = machine->accelerator();
  if (node_publisher) {
    node.meta.labels = node_publisher->labels();
  }
  node.meta.labels.emplace("kubernetes.io/hostname", options.node_name);
  return node;
}

Result<Json> App::State::NodeDocument() {
  const auto capacity = Capacity();
  if (!capacity) return capacity.error();
  return exporter::NodeDocument(Identity(), *capacity, std::chrono::system_clock::now());
}

NodeIdentity App::State::Identity() const {
  return ThisHost(options.node_name, options.advertise_address);
}

void App::State::OnLook(const PressureStep& pressure, const TrendStep& trend,
                        const Result<MemorySample>& sample) {
  for (const std::string& news : trend.news) manager->TellTrend(news);
  if (pressure.changed && node_publisher) node_publisher->Wake();
  if (pressure.changed && pressure.level == Pressure::kNormal) manager->MemoryFreed();
  manager->OnMemory(pressure, sample);
}

WatchdogSeries App::State::Watchdog() const {
  WatchdogSeries series = machine->Watchdog();
  series.evictions = manager->evictions().evictions;
  series.evictions_skipped = manager->evictions().skipped;
  return series;
}

// Those that can answer: a server that loads says 503 to everything.
std::vector<RuntimeTarget> App::State::RuntimeTargets() const {
  std::vector<RuntimeTarget> targets;
  for (const ModelView& model : manager->Views()) {
    if (model.state != exporter::State::kReady) continue;
    targets.push_back({model.ns, model.name, model.pid, DialHost(options.model_host), model.port,
                       manager->ApiKey(model.key)});
  }
  return targets;
}

std::vector<FeedSeries> App::State::Feeds() const {
  std::vector<FeedSeries> series;
  for (const auto& [kind, feed] :
       {std::pair("Model", &models_feed), std::pair("InferenceService", &services_feed)}) {
    if (!FeedInUse(feed)) continue;
    series.push_back({kind, feed->synced, feed->events, feed->relists, feed->last_contact});
  }
  return series;
}

ServingSeries App::State::Serving() {
  return machine->Serving(manager->Views(), manager->Committed());
}

bool App::State::FeedInUse(const kube::FeedStatus* feed) const {
  if (api) return true;
  return !options.manifests.empty() && feed == &models_feed;
}

// Models and services, from the cluster or from the folder.
void App::State::SpawnFeeds(net::TaskGroup& group) {
  using Type = kube::ObjectEvent::Type;
  if (!api) {
    kube::ObjectSink sink = [this](kube::ObjectEvent event) {
      if (event.type == Type::kSynced) return manager->Synced();
      const std::string name = StringOr(event.object, {"kind"});
      if (name == "Model") manager->Apply(kube::Kind::kModel, event);
      if (name == "InferenceService") manager->Apply(kube::Kind::kInferenceService, event);
    };
    group.Spawn(
        kube::RunManifestFolder(options.manifests, kManifestPoll, std::move(sink), models_feed));
    return;
  }
  for (const kube::Kind kind : {kube::Kind::kModel, kube::Kind::kInferenceService}) {
    kube::FeedStatus& status = kind == kube::Kind::kModel ? models_feed : services_feed;
    kube::ObjectSink sink = [this, kind, &status](kube::ObjectEvent event) {
      if (event.type != Type::kSynced) return manager->Apply(kind, event);
      status.synced = true;
      if (models_feed.synced && services_feed.synced) manager->Synced();
    };
    group.Spawn(kube::RunReflector(*api, kube::TypeOf(kind), std::move(sink), status));
  }
}

asio::awaitable<void> App::State::RunUsage() {
  for (;;) {
    std::vector<pid_t> running;
    for (const ModelView& model : manager->Views()) {
      if (model.pid == 0) continue;
      running.push_back(model.pid);
      const auto memory = machine->processes().Get(model.pid);
      if (memory) manager->Measured(model.key, model.pid, *memory);
    }
    machine->processes().Keep(running);
    co_await net::SleepFor(options.watchdog_interval);
  }
}

asio::awaitable<void> App::State::RunServing() {
  // What the GPU may hold and what is installed decide everything that follows: first verdicts,
  // published figures, and whether adopted children run as they should.
  co_await machine->ProbeOnce(reaper);
  const auto runtime = co_await manager->Prepare();
  if (!runtime) LogWarn("no model can be launched", {{"error", runtime.error()}});
  net::TaskGroup group(executor);
  group.Spawn(machine->RunProbe(reaper));
  if (api) {
    group.Spawn(node_publisher->Run());
    group.Spawn(KeepGuard(reaper, OwnExecutable(), options.state_dir));
    group.Spawn(endpoints->Run());
    // By its labels the node knows which models are for it; adopted ones must not be taken for
    // somebody else's.
    co_await node_publisher->Settled();
  }
  if (api || !options.manifests.empty()) {
    SpawnFeeds(group);
  } else {
    manager->Synced();
  }
  co_await group.Join();
}

}  // namespace headroom::exporter

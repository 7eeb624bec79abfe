// How the parts of an App are made and fed.
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "exporter/app_state.h"

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
  machine = std::make_unique<Machine>(
      MachineOptions{options.node_name, options.BudgetSetting(),
                     scheme + HostPort(host, server->port()), options.watchdog_interval,
                     options.pressure},
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
  return {};
}

void App::State::MakeManager() {
  ManagerOptions wanted;
  wanted.node_name = options.node_name;
  wanted.standalone = !api;
  wanted.model_host = options.model_host;
  wanted.endpoint_host = IsAny(options.model_host) ? options.advertise_address : "";
  wanted.ports = options.model_ports;
  wanted.llama_server = options.llama_server;
  ManagerSeams seams;
  seams.capacity = [this] { return Capacity(); };
  seams.self = [this] { return Self(); };
  seams.api = api.get();
  seams.events = events.get();
  manager = std::make_unique<Manager>(executor, std::move(wanted), std::move(seams), reaper,
                                      *state_dir);
}

Result<estimator::NodeCapacity> App::State::Capacity() {
  const auto& runtime = manager->runtime().known();
  return machine->Capacity(manager->Committed(), runtime ? runtime->version : "");
}

kube::Node App::State::Self() const {
  kube::Node node;
  node.meta.name = options.node_name;
  node.publishes = true;
  node.capacity.name = options.node_name;
  node.capacity.accelerator = machine->accelerator();
  node.meta.labels = {{"kubernetes.io/hostname", options.node_name}};
  return node;
}

Result<Json> App::State::NodeDocument() {
  const auto capacity = Capacity();
  if (!capacity) return capacity.error();
  Json node = Json::MakeObject();
  node.Set("apiVersion", "v1");
  node.Set("kind", "Node");
  node.Make({"metadata"}).Set("name", options.node_name);
  Json& annotations = node.Make({"metadata", "annotations"});
  for (const auto& [key, value] : kube::EncodeAnnotations(*capacity)) annotations.Set(key, value);
  return node;
}

void App::State::OnPressure(Pressure level) {
  if (level == Pressure::kNormal) manager->MemoryFreed();
}

bool App::State::FeedInUse(const kube::FeedStatus* feed) const {
  if (api) return true;
  return !options.manifests.empty() && feed == &models_feed;
}

asio::awaitable<void> App::State::RunFeeds() {
  // Adopted children are judged by their command line, which depends on what is installed.
  const auto runtime = co_await manager->Prepare();
  if (!runtime) LogWarn("no model can be launched", {{"error", runtime.error()}});
  net::TaskGroup feeds(executor);
  const auto on_sync = [this] {
    if (!api || (models_feed.synced && services_feed.synced)) manager->Synced();
  };
  if (api) {
    for (const kube::Kind kind : {kube::Kind::kModel, kube::Kind::kInferenceService}) {
      kube::ObjectSink sink = [this, kind, on_sync](kube::ObjectEvent event) {
        if (event.type != kube::ObjectEvent::Type::kSynced) return manager->Apply(kind, event);
        (kind == kube::Kind::kModel ? models_feed : services_feed).synced = true;
        on_sync();
      };
      kube::FeedStatus& status = kind == kube::Kind::kModel ? models_feed : services_feed;
      feeds.Spawn(kube::RunReflector(*api, kube::TypeOf(kind), std::move(sink), status));
    }
  } else if (!options.manifests.empty()) {
    kube::ObjectSink sink = [this, on_sync](kube::ObjectEvent event) {
      if (event.type == kube::ObjectEvent::Type::kSynced) return on_sync();
      const std::string name = StringOr(event.object, {"kind"});
      if (name == "Model") manager->Apply(kube::Kind::kModel, event);
      if (name == "InferenceService") manager->Apply(kube::Kind::kInferenceService, event);
    };
    feeds.Spawn(kube::RunManifestFolder(options.manifests, kManifestPoll, std::move(sink),
                                        models_feed));
  } else {
    manager->Synced();
    feeds.Spawn(net::SleepFor(std::chrono::hours(24 * 365)));
  }
  co_await feeds.Join();
}

asio::awaitable<void> App::State::RunPublishers() {
  co_await net::SleepFor(std::chrono::hours(24 * 365));
}

asio::awaitable<void> App::State::Withdraw() { co_return; }

}  // namespace headroom::exporter

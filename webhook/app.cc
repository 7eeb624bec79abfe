#include "webhook/app.h"

#include <unistd.h>

#include <optional>

#include "common/files.h"
#include "common/log.h"
#include "net/http_server.h"
#include "net/task_group.h"
#include "net/tls.h"
#include "sources/address_policy.h"
#include "sources/header_source.h"
#include "webhook/certs/self_managed.h"
#include "webhook/certs/trust.h"
#include "webhook/feeds.h"
#include "webhook/line_writer.h"
#include "webhook/samples.h"
#include "webhook/service.h"

namespace headroom::webhook {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds kTlsPoll{10'000};
constexpr std::chrono::milliseconds kGrace{10'000};  // the longest request still being answered
constexpr size_t kMaxNodeHeader = 64u << 20;

Result<net::SslContext> ClientContext(const std::string& ca_file) {
  auto ca = ReadFile(ca_file);
  if (!ca) return ca.error();
  return net::MakeClientContext({.ca_pem = *ca, .certificate_pem = "", .key_pem = ""});
}

}  // namespace

struct App::State {
  State(asio::any_io_executor ex, Options opts)
      : executor(std::move(ex)), options(std::move(opts)) {}

  Result<void> Load();
  Result<void> LoadTls();
  void LoadCertificates();
  std::string Unreachable() const;
  Result<void> LoadSources();
  Result<void> LoadNodeAccess();
  Result<void> Listen();
  asio::awaitable<Result<sources::ModelHeader>> Fetch(HeaderNeed need, std::string known_revision,
                                                      net::Deadline deadline);

  asio::any_io_executor executor;
  Options options;
  View view;
  Metrics metrics;
  sources::AddressPolicy policy;
  sources::NodeAddressPolicy node_policy;
  std::unique_ptr<net::TlsServer> tls;
  std::unique_ptr<net::HttpClient> remote, nodes;  // guarded by the policy, and not
  std::unique_ptr<Feeds> feeds;
  std::unique_ptr<Trust> trust;               // with --webhook-configuration
  std::unique_ptr<SelfManaged> self_managed;  // with --self-managed-certs
  std::unique_ptr<HeaderCache> headers;
  std::unique_ptr<LineWriter> access;  // with --access-log
  std::unique_ptr<Service> service;
  std::unique_ptr<net::HttpServer> server;
};

Result<void> App::State::LoadTls() {
  if (!HasTls(options)) return {};
  net::TlsServerOptions tls_options;
  tls_options.certificate_file = options.tls_cert;
  tls_options.key_file = options.tls_key;
  tls_options.allow_tls12 = options.allow_tls12;
  tls_options.client_ca_file = options.client_ca;
  tls_options.client_subjects = options.client_subjects;
  auto loaded = Result<std::unique_ptr<net::TlsServer>>(Error());
  if (options.self_managed_certs) {
    auto placeholder = MakePlaceholder(std::chrono::system_clock::now());
    if (!placeholder) return placeholder.error();
    loaded = net::TlsServer::Load(std::move(tls_options), std::move(*placeholder));
  } else {
    loaded = net::TlsServer::Load(std::move(tls_options));
  }
  if (!loaded) return loaded.error();
  tls = std::move(*loaded);
  return {};
}

void App::State::LoadCertificates() {
  if (options.webhook_configuration.empty()) return;
  kube::ApiClient& api = *feeds->api();  // CheckOptions() saw to that
  trust = std::make_unique<Trust>(api, *tls, options.webhook_configuration);
  if (!options.self_managed_certs) return;
  SelfManaged::Settings settings;
  settings.ns = options.ns.empty() ? api.config().default_namespace : options.ns;
  settings.secret = options.cert_secret;
  settings.check_interval = options.times.check;
  const std::string host = options.service_name + "." + settings.ns + ".svc";
  settings.policy = {.dns_names = {host, host + ".cluster.local"},
                     .leaf_lifetime = options.times.leaf,
                     .ca_lifetime = options.times.ca,
                     .settle = options.times.settle};
  self_managed = std::make_unique<SelfManaged>(executor, api, *tls, *trust, std::move(settings));
}

std::string App::State::Unreachable() const {
  if (self_managed) {
    std::string missing = self_managed->Missing();
    if (!missing.empty()) return missing;
  }
  if (!trust) return "";
  const auto trusted = trust->Check();
  return trusted ? "" : trusted.error().message();
}

Result<void> App::State::LoadSources() {
  auto entries = sources::AddressPolicy::DefaultEntries();
  entries.insert(entries.end(), options.source_allow.begin(), options.source_allow.end());
  auto parsed = sources::AddressPolicy::Parse(entries);
  if (!parsed) return parsed.error().Within("--source-allow");
  policy = std::move(*parsed);
  net::HttpClientOptions remote_options;
  if (!options.source_ca.empty()) {
    auto context = ClientContext(options.source_ca);
    if (!context) return context.error().Within("--source-ca");
    remote_options.tls = *context;
  }
  remote_options.address_guard = [this](std::string_view host, std::string_view address) {
    return policy.CheckAddress(host, address);
  };
  remote = std::make_unique<net::HttpClient>(executor, std::move(remote_options));
  if (auto loaded = LoadNodeAccess(); !loaded) return loaded.error();
  if (!options.node_token_file.empty()) {
    if (auto token = ReadFile(options.node_token_file); !token) {
      return token.error().Within("--node-token-file");
    }
  }
  return {};
}

// Without a cluster the nodes are those of --nodes, commonly this machine itself.
Result<void> App::State::LoadNodeAccess() {
  std::vector<std::string> allowed = options.node_allow;
  if (options.kubeconfig.empty() && !options.nodes.empty()) {
    allowed.insert(allowed.end(), {"127.0.0.0/8", "::1"});
  }
  auto parsed = sources::NodeAddressPolicy::Parse(allowed, !options.node_ca.empty());
  if (!parsed) return parsed.error().Within("--node-allow");
  node_policy = std::move(*parsed);
  net::HttpClientOptions node_options;
  node_options.max_body_bytes = kMaxNodeHeader;
  if (!options.node_ca.empty()) {
    auto context = ClientContext(options.node_ca);
    if (!context) return context.error().Within("--node-ca");
    node_options.tls = *context;
  }
  node_options.address_guard = [this](std::string_view host, std::string_view address) {
    return node_policy.CheckAddress(host, address);
  };
  nodes = std::make_unique<net::HttpClient>(executor, std::move(node_options));
  return {};
}

asio::awaitable<Result<sources::ModelHeader>> App::State::Fetch(HeaderNeed need,
                                                                std::string known_revision,
                                                                net::Deadline deadline) {
  if (need.remote()) {
    auto header = co_await sources::ReadRemoteHeader(*remote, policy, std::move(need.source), "",
                                                     deadline, std::move(known_revision));
    co_return header;
  }
  std::string token;  // read at each use, so that rotation needs no restart
  if (!options.node_token_file.empty()) {
    auto read = ReadToken(options.node_token_file);
    if (!read) co_return Error(Code::kIo, "--node-token-file cannot be read");
    token = std::move(*read);
  }
  auto header = co_await sources::ReadNodeHeader(*nodes, node_policy, std::move(need.endpoint),
                                                 std::move(need.source), std::move(token), deadline,
                                                 std::move(known_revision));
  co_return header;
}

Result<void> App::State::Listen() {
  headers = std::make_unique<HeaderCache>(
      executor, [this](HeaderNeed need, std::string known_revision, net::Deadline deadline) {
        return Fetch(std::move(need), std::move(known_revision), deadline);
      });
  Service::Parts parts{.view = view,
                       .headers = *headers,
                       .metrics = metrics,
                       .rules = {.allow_unknown = options.allow_unknown},
                       .missing = [this] { return feeds->Missing(); },
                       .unreachable = [this] { return Unreachable(); },
                       .samples = nullptr,
                       .access = nullptr};
  if (options.access_log) {
    access = std::make_unique<LineWriter>(executor, STDOUT_FILENO);
    parts.access = [this](const std::string& line) { access->Add(line); };
  }
  parts.samples = [this] {
    return CollectSamples({view, *headers, *feeds, *service, server.get(), tls.get(), trust.get()});
  };
  service = std::make_unique<Service>(std::move(parts));
  net::HttpServerOptions server_options;
  server_options.listen = options.listen;
  server_options.tls = tls.get();
  server_options.max_body_bytes = kMaxReviewBytes;
  auto listening = net::HttpServer::Listen(
      executor, std::move(server_options),
      [this](const net::HttpRequest& request, const net::RequestContext& context) {
        return service->Handle(request, context);
      });
  if (!listening) return listening.error();
  server = std::move(*listening);
  return {};
}

Result<void> App::State::Load() {
  if (auto checked = CheckOptions(options); !checked) return checked.error();
  if (auto loaded = LoadTls(); !loaded) return loaded.error();
  if (auto loaded = LoadSources(); !loaded) return loaded.error();
  auto made = Feeds::Make(executor, options, view);
  if (!made) return made.error();
  feeds = std::move(*made);
  LoadCertificates();
  return Listen();
}

App::App(std::unique_ptr<State> state) : state_(std::move(state)) {}
App::~App() = default;

Result<std::unique_ptr<App>> App::Make(asio::any_io_executor executor, Options options) {
  auto state = std::make_unique<State>(std::move(executor), std::move(options));
  if (auto loaded = state->Load(); !loaded) return loaded.error();
  return std::unique_ptr<App>(new App(std::move(state)));
}

std::string App::address() const { return state_->server->address(); }

asio::awaitable<void> App::Run() {
  net::TaskGroup group(state_->executor);
  state_->feeds->Spawn(group);
  if (state_->tls) group.Spawn(state_->tls->Watch(kTlsPoll));
  if (state_->self_managed) {
    group.Spawn(state_->self_managed->Run());
  } else if (state_->trust) {
    std::function<void()> nothing = [] {};
    group.Spawn(state_->trust->Run(std::move(nothing)));
  }
  group.Spawn(state_->server->Run());
  LogInfo("listening", {{"url", state_->server->url()}, {"version", HEADROOM_VERSION}});
  co_await group.Join();
}

asio::awaitable<void> App::Stop() {
  state_->service->StartDraining();
  state_->server->StartDraining();
  net::TaskGroup farewell(state_->executor, net::TaskGroup::Mode::kIndependent);
  if (state_->self_managed) farewell.Spawn(state_->self_managed->HandOver());
  co_await net::SleepFor(state_->options.shutdown_delay);
  farewell.Cancel();
  co_await farewell.Join();
  // Fetches first: who still waits for one answers now. Run() ends with the server, and must find
  // nothing running.
  co_await state_->headers->Stop();
  co_await state_->server->Stop(kGrace);
}

namespace {

asio::awaitable<void> StopOnSignal(App& app) {
  const int signal = co_await net::UntilSignal();
  LogInfo("shutting down", {{"signal", signal}});
  co_await app.Stop();
}

}  // namespace

asio::awaitable<void> App::RunUntilSignal() {
  net::TaskGroup group(state_->executor);
  group.Spawn(Run());
  group.Spawn(StopOnSignal(*this));
  co_await group.Join();
}

}  // namespace headroom::webhook

#include "exporter/app.h"

#include "common/log.h"
#include "exporter/app_state.h"
#include "exporter/metrics/memstats.h"
#include "exporter/routes.h"

namespace headroom::exporter {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds kCertificatePoll{10};
constexpr std::chrono::seconds kStopGrace{3};
constexpr std::chrono::milliseconds kLiveInterval{2000};

std::vector<std::unique_ptr<Collector>> MakeCollectors(App::State& app) {
  std::vector<std::unique_ptr<Collector>> all;
  all.push_back(MakeInfoCollector({HEADROOM_VERSION, HEADROOM_REVISION}, app.machine->host()));
  all.push_back(MakeMemoryCollector(app.machine->cache()));
  all.push_back(MakePressureCollector(app.machine->cache(), [&app] { return app.Watchdog(); }));
  all.push_back(MakeGpuCollector(app.machine->cache()));
  all.push_back(MakeProcessCollector(app.machine->provider()));
  all.push_back(MakeModelsCollector([&app] { return app.Serving(); }));
  all.push_back(MakeFeedsCollector([&app] { return app.Feeds(); }));
  if (app.options.compat_metrics == "llmkube") {
    all.push_back(MakeLlmkubeCollector(
        app.machine->cache(), [&app] { return app.Watchdog(); }, [&app] { return app.Serving(); }));
  }
  if (app.options.scrape_models) {
    all.push_back(MakeRuntimeCollector([&app] { return app.runtime_pages.Series(); }));
  }
  return all;
}

Result<Json> Memstats(App::State& app) {
  const auto sample = app.machine->Sample();
  if (!sample) return sample.error();
  return MemstatsJson({*sample, app.machine->pressure(), app.machine->host(), app.Serving()});
}

std::string NotReady(App::State& app) {
  if (const auto sample = app.machine->Sample(); !sample) return sample.error().message();
  for (const kube::FeedStatus* feed : {&app.models_feed, &app.services_feed}) {
    if (app.FeedInUse(feed) && !feed->synced) {
      return "the models are not known yet" +
             (feed->last_error.empty() ? "" : ": " + feed->last_error);
    }
  }
  return "";
}

Json Models(App::State& app) {
  return ModelsJson(app.manager->Views(), app.manager->runtime().known(), app.options.node_name);
}

// What the page draws, in one piece, so that its parts belong together.
Result<Json> LiveState(App::State& app) {
  auto memory = Memstats(app);
  if (!memory) return memory.error();
  Json state = Json::MakeObject();
  state.Set("memory", std::move(*memory));
  state.Set("models", Models(app));
  return state;
}

asio::awaitable<Result<std::string>> Metrics(App::State& app, Scraper::Query query) {
  if (app.scraper->Takes(query, "runtime")) {
    co_await app.runtime_pages.Refresh(app.RuntimeTargets());
  }
  co_return app.scraper->Scrape(query);
}

RouteSources MakeSources(App::State& app) {
  RouteSources sources;
  sources.metrics = [&app](Scraper::Query query) { return Metrics(app, std::move(query)); };
  sources.memstats = [&app] { return Memstats(app); };
  sources.not_ready = [&app] { return NotReady(app); };
  sources.node = [&app] { return app.NodeDocument(); };
  sources.models = [&app] { return Models(app); };
  sources.history = [&app] { return HistoryJson(app.machine->history()); };
  sources.live = std::make_shared<Live>([&app] { return LiveState(app); }, kLiveInterval);
  sources.fit.node = [&app] { return app.Candidate(); };
  sources.fit.read = [&app](sources::Source source) {
    return app.fetcher->ReadHeader(std::move(source), "");
  };
  sources.header = {app.options.model_roots, app.options.store_dir, app.options.node_token_file};
  sources.node_name = app.options.node_name;
  return sources;
}

Result<void> OpenServer(App::State& app) {
  net::HttpServerOptions server;
  server.listen = app.options.listen;
  server.max_connections = 64;
  server.max_body_bytes = kMaxFitBody;
  if (!app.options.tls_cert.empty()) {
    net::TlsServerOptions tls;
    tls.certificate_file = app.options.tls_cert;
    tls.key_file = app.options.tls_key;
    auto loaded = net::TlsServer::Load(std::move(tls));
    if (!loaded) return loaded.error();
    app.tls = std::move(*loaded);
    server.tls = app.tls.get();
  }
  auto listening = net::HttpServer::Listen(app.executor, server, MakeRoutes(MakeSources(app)));
  if (!listening) return listening.error();
  app.server = std::move(*listening);
  return {};
}

}  // namespace

App::App(std::unique_ptr<State> state) : state_(std::move(state)) {}
App::~App() = default;

Result<std::unique_ptr<App>> App::Make(asio::any_io_executor executor, AppOptions options) {
  auto state = std::make_unique<State>(executor, std::move(options));
  State& app = *state;
  auto folder = StateDir::Open(app.options.state_dir);
  if (!folder) return folder.error();
  app.state_dir = std::move(*folder);
  if (const auto opened = OpenServer(app); !opened) return opened.error();
  if (const auto made = app.MakeMachine(); !made) return made.error();
  if (const auto connected = app.Connect(); !connected) return connected.error();
  if (const auto made = app.MakeFetcher(); !made) return made.error();
  app.MakeManager();
  app.scraper = std::make_unique<Scraper>(MakeCollectors(app));
  if (const auto adopted = app.manager->Adopt(); !adopted) return adopted.error();
  return std::unique_ptr<App>(new App(std::move(state)));
}

std::string App::address() const { return state_->server->address(); }

namespace {

asio::awaitable<void> RunUntilSignal(App::State& app) {
  const int signal = co_await net::UntilSignal();
  LogInfo("stopping", {{"signal", signal}, {"stop_models", app.options.stop_models_on_exit}});
  if (app.options.stop_models_on_exit) co_await app.manager->StopModels();
  co_await app.server->Stop(kStopGrace);
}

}  // namespace

asio::awaitable<void> App::Run() {
  State& app = *state_;
  LogInfo(
      "listening",
      {{"url", app.server->url()}, {"version", HEADROOM_VERSION}, {"node", app.options.node_name}});
  net::TaskGroup group(app.executor);
  group.Spawn(app.reaper.Run());
  group.Spawn(app.server->Run());
  if (app.tls) group.Spawn(app.tls->Watch(kCertificatePoll));
  group.Spawn(
      app.machine->RunWatchdog([&app](const auto& step, const auto& trend, const auto& sample) {
        app.OnLook(step, trend, sample);
      }));
  group.Spawn(app.manager->Run());
  group.Spawn(app.runtime_pages.Run());
  group.Spawn(app.RunServing());
  group.Spawn(app.RunUsage());
  group.Spawn(RunUntilSignal(app));
  co_await group.Join();
  LogInfo("headroom-exporter stopped");
}

}  // namespace headroom::exporter

// What an App consists of, in the order it is made. Internal to app*.cc.
#pragma once

#include "exporter/app.h"
#include "exporter/machine.h"
#include "exporter/metrics/runtime_pages.h"
#include "exporter/metrics/scraper.h"
#include "exporter/models/manager.h"
#include "exporter/node/endpoint_publisher.h"
#include "exporter/node/publisher.h"
#include "kube/object_feed.h"
#include "net/http_server.h"

namespace headroom::exporter {

struct App::State {
  State(boost::asio::any_io_executor ex, AppOptions o)
      : executor(ex), options(std::move(o)), reaper(ex), runtime_pages(ex) {}

  Result<void> MakeMachine();
  Result<void> Connect();  // to the cluster, where one is given
  Result<void> MakeFetcher();
  void MakeManager();
  bool FeedInUse(const kube::FeedStatus* feed) const;
  void OnLook(const PressureStep& pressure, const TrendStep& trend,
              const Result<MemorySample>& sample);
  WatchdogSeries Watchdog() const;
  Result<estimator::NodeCapacity> Capacity();
  Result<estimator::Candidate> Candidate();  // this node with what runs on it
  Result<Json> NodeDocument();
  NodeIdentity Identity() const;
  kube::Node Self() const;
  std::vector<RuntimeTarget> RuntimeTargets() const;
  std::vector<FeedSeries> Feeds() const;
  ServingSeries Serving();

  boost::asio::awaitable<void> RunServing();
  boost::asio::awaitable<void>
  RunUsage();  // measures the model servers, with the watchdog's interval
  void SpawnFeeds(net::TaskGroup& group);

  boost::asio::any_io_executor executor;
  AppOptions options;
  net::Reaper reaper;
  std::unique_ptr<StateDir> state_dir;
  std::unique_ptr<net::TlsServer> tls;
  std::unique_ptr<Machine> machine;
  std::unique_ptr<kube::ApiClient> api;
  std::unique_ptr<kube::EventRecorder> events;
  std::unique_ptr<EndpointPublisher> endpoints;
  std::unique_ptr<NodePublisher> node_publisher;
  std::unique_ptr<Fetcher> fetcher;
  std::unique_ptr<Manager> manager;
  RuntimePages runtime_pages;
  std::unique_ptr<Scraper> scraper;
  std::unique_ptr<net::HttpServer> server;
  kube::FeedStatus models_feed, services_feed;
};

}  // namespace headroom::exporter

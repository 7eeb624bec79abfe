// The pages of the exporter. What they show comes in as functions, asked at each request.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <string>
#include <vector>

#include "common/json.h"
#include "common/result.h"
#include "exporter/header_route.h"
#include "exporter/metrics/scraper.h"
#include "exporter/models/manager.h"
#include "exporter/page/fit.h"
#include "exporter/page/live.h"
#include "net/http_server.h"

namespace headroom::exporter {

struct RouteSources {
  std::function<boost::asio::awaitable<Result<std::string>>(Scraper::Query)> metrics;
  std::function<Result<Json>()> memstats;
  std::function<std::string()> not_ready;  // why /readyz is 503; "" = ready
  std::function<Result<Json>()> node;      // the Node object with our annotations
  std::function<Json()> models;
  std::function<Json()> history;  // HistoryJson()
  std::shared_ptr<Live> live;
  FitSources fit;
  HeaderRouteOptions header;
  std::string node_name;
};

net::HttpHandler MakeRoutes(RouteSources sources);

// The body of /v1/models.
Json ModelsJson(const std::vector<ModelView>& models, const std::optional<Runtime>& runtime,
                const std::string& node_name);

}  // namespace headroom::exporter

#include "exporter/routes.h"

#include <array>
#include <boost/asio/awaitable.hpp>

namespace headroom::exporter {

namespace asio = boost::asio;

namespace {

using net::HttpRequest;
using net::HttpResponse;
using net::JsonResponse;
using net::TextResponse;

constexpr std::string_view kLanding = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Headroom</title></head><body>
<h1>headroom-exporter</h1>
<ul>
<li><a href="/metrics">/metrics</a>: for Prometheus</li>
<li><a href="/memstats">/memstats</a>: where the memory is, JSON</li>
<li><a href="/v1/models">/v1/models</a>: what runs here, JSON</li>
<li><a href="/v1/node">/v1/node</a>: what this node can hold, as a Node object</li>
<li><a href="/healthz">/healthz</a>, <a href="/readyz">/readyz</a></li>
</ul></body></html>
)";

HttpResponse JsonOrError(const Result<Json>& json) {
  if (!json) return TextResponse(503, json.error().message());
  return JsonResponse(200, WriteJsonPretty(*json));
}

HttpResponse Metrics(const RouteSources& sources, const net::Target& target) {
  auto page = sources.metrics(target.query);
  if (!page) return TextResponse(400, page.error().message());
  HttpResponse response;
  response.headers.Set("Content-Type", kMetricsContentType);
  response.body = std::move(*page);
  return response;
}

HttpResponse Ready(const RouteSources& sources) {
  const std::string why = sources.not_ready();
  return why.empty() ? TextResponse(200, "ok") : TextResponse(503, why);
}

HttpResponse Landing() {
  HttpResponse response;
  response.headers.Set("Content-Type", "text/html; charset=utf-8");
  response.body = kLanding;
  return response;
}

struct Route {
  std::string_view path;
  HttpResponse (*answer)(const RouteSources&, const net::Target&);
};
constexpr std::array<Route, 9> kRoutes = {{
    {"/metrics", Metrics},
    {"/memstats",
     [](const RouteSources& s, const net::Target&) { return JsonOrError(s.memstats()); }},
    {"/healthz", [](const RouteSources&, const net::Target&) { return TextResponse(200, "ok"); }},
    {"/-/healthy", [](const RouteSources&, const net::Target&) { return TextResponse(200, "ok"); }},
    {"/readyz", [](const RouteSources& s, const net::Target&) { return Ready(s); }},
    {"/-/ready", [](const RouteSources& s, const net::Target&) { return Ready(s); }},
    {"/v1/node", [](const RouteSources& s, const net::Target&) { return JsonOrError(s.node()); }},
    {"/v1/models",
     [](const RouteSources& s, const net::Target&) {
       return JsonResponse(200, WriteJsonPretty(s.models()));
     }},
    {"/", [](const RouteSources&, const net::Target&) { return Landing(); }},
}};

HttpResponse Answer(const RouteSources& sources, const net::Target& target) {
  for (const Route& route : kRoutes) {
    if (route.path == target.path) return route.answer(sources, target);
  }
  return TextResponse(404, "no such page; see /");
}

asio::awaitable<HttpResponse> Handle(std::shared_ptr<const RouteSources> sources,
                                     HttpRequest request) {
  if (request.method != "GET" && request.method != "HEAD") {
    HttpResponse response = TextResponse(405, "only GET");
    response.headers.Set("Allow", "GET, HEAD");
    co_return response;
  }
  const auto target = net::ParseTarget(request.target);
  if (!target) co_return TextResponse(400, target.error().message());
  if (target->path == "/v1/header") {
    HttpResponse response = co_await HandleHeader(sources->header, std::move(request));
    co_return response;
  }
  co_return Answer(*sources, *target);
}

}  // namespace

net::HttpHandler MakeRoutes(RouteSources sources) {
  auto shared = std::make_shared<const RouteSources>(std::move(sources));
  return [shared](const HttpRequest& request, const net::RequestContext&) {
    return Handle(shared, request);
  };
}

Json ModelsJson(const std::vector<ModelView>& models, const std::optional<Runtime>& runtime,
                const std::string& node_name) {
  Json out = Json::MakeObject();
  out.Set("node", node_name);
  Json& program = out.Set("llamaServer", Json::MakeObject());
  program.Set("path", runtime ? Json(runtime->executable) : Json());
  program.Set("version", runtime ? Json(runtime->version) : Json());
  Json list = Json::MakeArray();
  for (const ModelView& model : models) {
    Json item = Json::MakeObject();
    item.Set("kind", model.kind);
    item.Set("namespace", model.ns);
    item.Set("name", model.name);
    item.Set("state", ToString(model.state));
    item.Set("reason", model.reason);
    item.Set("pid", model.pid != 0 ? Json(static_cast<int64_t>(model.pid)) : Json());
    item.Set("port", model.port != 0 ? Json(static_cast<int64_t>(model.port)) : Json());
    item.Set("endpoint", model.endpoint.empty() ? Json() : Json(model.endpoint));
    item.Set("footprintBytes", model.footprint != 0 ? Json(model.footprint) : Json());
    item.Set("restarts", model.restarts);
    if (model.download) item.Set("downloadPercent", model.download->Percent());
    item.Set("startedAt", model.started ? Json(FormatRfc3339(*model.started)) : Json());
    item.Set("loadSeconds", model.load_duration
                                ? Json(static_cast<double>(model.load_duration->count()) / 1000)
                                : Json());
    list.Append(std::move(item));
  }
  out.Set("models", std::move(list));
  return out;
}

}  // namespace headroom::exporter

#include "exporter/routes.h"

#include <array>
#include <boost/asio/awaitable.hpp>

#include "exporter/page/files.h"

namespace headroom::exporter {

namespace asio = boost::asio;

namespace {

using net::HttpRequest;
using net::HttpResponse;
using net::JsonResponse;
using net::TextResponse;

HttpResponse JsonOrError(const Result<Json>& json) {
  if (!json) return TextResponse(503, json.error().message());
  return JsonResponse(200, WriteJsonPretty(*json));
}

HttpResponse Metrics(Result<std::string> page) {
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

struct Route {
  std::string_view path;
  HttpResponse (*answer)(const RouteSources&, const net::Target&);
};
constexpr std::array<Route, 9> kRoutes = {{
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
    {"/v1/history", [](const RouteSources& s,
                       const net::Target&) { return JsonResponse(200, WriteJson(s.history())); }},
    {"/v1/live", [](const RouteSources& s, const net::Target&) { return s.live->Open(); }},
}};

HttpResponse Answer(const RouteSources& sources, const net::Target& target) {
  for (const Route& route : kRoutes) {
    if (route.path == target.path) return route.answer(sources, target);
  }
  if (const auto* file = net::FindPageFile(PageFiles(), target.path)) {
    return net::PageResponse(*file);
  }
  return TextResponse(404, "no such page; see /");
}

HttpResponse NotAllowed(std::string_view allowed) {
  HttpResponse response = TextResponse(405, "only " + std::string(allowed));
  response.headers.Set("Allow", allowed);
  return response;
}

asio::awaitable<HttpResponse> Handle(std::shared_ptr<const RouteSources> sources,
                                     HttpRequest request) {
  const auto target = net::ParseTarget(request.target);
  if (!target) co_return TextResponse(400, target.error().message());
  const bool get = request.method == "GET";
  if (target->path == "/v1/fit") {
    if (!get && request.method != "POST") co_return NotAllowed("GET, POST");
    HttpResponse response = co_await HandleFit(sources->fit, std::move(request));
    co_return response;
  }
  if (!get && request.method != "HEAD") co_return NotAllowed("GET, HEAD");
  if (target->path == "/v1/header") {
    HttpResponse response = co_await HandleHeader(sources->header, std::move(request));
    co_return response;
  }
  if (target->path == "/metrics") {
    auto page = co_await sources->metrics(target->query);
    co_return Metrics(std::move(page));
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
    Json ignored = Json::MakeArray();
    for (const std::string& line : model.fields_ignored) ignored.Append(line);
    item.Set("fieldsIgnored", std::move(ignored));
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
    if (model.loaded) {
      Json& loaded = item.Set("loaded", Json::MakeObject());
      loaded.Set("contextPerSlot", model.loaded->context);
      loaded.Set("slots", model.loaded->slots);
    }
    item.Set("events", ToJson(model.events));
    list.Append(std::move(item));
  }
  out.Set("models", std::move(list));
  return out;
}

}  // namespace headroom::exporter

#include "exporter/page/fit.h"

#include <charconv>

#include "common/checked.h"
#include "estimator/explain.h"
#include "estimator/search.h"
#include "sources/header_feed.h"
#include "sources/source.h"

namespace headroom::exporter {

namespace asio = boost::asio;

namespace {

Result<uint64_t> ParseField(const net::Target& target, std::string_view field, uint64_t most) {
  const std::string text = target.Get(field);
  if (text.empty()) return uint64_t{0};
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || at != end || value > most) {
    return Error(Code::kInvalid, std::string(field) + ": expected a number up to " +
                                     std::to_string(most) + ", got '" + text + "'");
  }
  return value;
}

Result<sources::ModelHeader> HeaderOfBody(std::string_view body, uint64_t file_bytes) {
  if (body.empty()) return Error(Code::kInvalid, "expected the header of a GGUF file as the body");
  sources::HeaderFeed feed;
  if (const auto added = feed.Add(body); !added) return added.error();
  auto header = feed.Finish();
  if (!header) return header.error();
  std::vector<sources::HeaderPart> parts;
  const std::optional<uint64_t> size = file_bytes != 0 ? std::optional(file_bytes) : std::nullopt;
  auto added = sources::AddPart(parts, {std::move(*header), size, body.size(), ""});
  if (!added) return added.error();
  return sources::AssembleModel(std::move(parts));
}

// What the file's name says of where it would come from, for the first line of the text.
std::string NameOf(const std::string& source) {
  const std::string name = source.substr(source.rfind('/') + 1);
  return name.empty() ? "model" : name;
}

}  // namespace

Result<estimator::ServingOptions> FitServing(const net::Target& target) {
  estimator::ServingOptions serving;
  const auto context = ParseField(target, "context", 1u << 30);
  if (!context) return context.error();
  const auto parallel = ParseField(target, "parallel", 256);
  if (!parallel) return parallel.error();
  const auto cache = ParseField(target, "prompt_cache_mib", 1u << 24);
  if (!cache) return cache.error();
  serving.context = static_cast<uint32_t>(*context);
  serving.parallel = static_cast<uint32_t>(*parallel);
  if (!target.Get("prompt_cache_mib").empty()) {
    serving.prompt_cache_mib = static_cast<uint32_t>(*cache);
  }
  for (auto [field, type] : {std::pair{"cache_type_k", &serving.cache_type_k},
                             std::pair{"cache_type_v", &serving.cache_type_v}}) {
    const std::string text = target.Get(field);
    if (text.empty()) continue;
    auto parsed = estimator::ParseCacheType(text);
    if (!parsed) return parsed.error().Within(field);
    *type = std::move(*parsed);
  }
  return serving;
}

Json FitJson(const sources::ModelHeader& header, const std::string& name,
             estimator::ServingOptions serving, estimator::Candidate node, WallTime now) {
  serving.runtime_version = node.node.runtime_version;
  serving.device =
      node.node.accelerator == "metal" ? estimator::Device::kMetal : estimator::Device::kCpu;
  estimator::Request request;
  request.workload.name = name;
  request.fields.context = "context";
  request.fields.cache_type_k = "cache type K";
  request.fields.cache_type_v = "cache type V";
  request.source = name;
  request.header_bytes_read = header.bytes_read;
  request.model = &header.model;
  request.serving = serving;
  request.preflight = true;
  request.now = now;
  node.node.observed_at = now;
  request.candidates.push_back(std::move(node));
  const estimator::Verdict verdict = estimator::Decide(request);

  Json json = Json::MakeObject();
  json.Set("allowed", verdict.allowed);
  json.Set("summary", estimator::Summary(verdict));
  json.Set("text", estimator::DenialText(verdict));
  Json warnings = Json::MakeArray();
  for (const std::string& line : estimator::Warnings(verdict)) warnings.Append(line);
  json.Set("warnings", std::move(warnings));
  const auto* chosen = verdict.Chosen();
  const auto largest =
      chosen != nullptr ? estimator::LargestContext(header.model, serving,
                                                    std::min(chosen->headroom, chosen->available))
                        : std::nullopt;
  json.Set("largestContext", largest ? Json(uint64_t{*largest}) : Json());
  json.Set("verdict", estimator::ToJson(verdict));
  return json;
}

asio::awaitable<net::HttpResponse> HandleFit(FitSources from, net::HttpRequest request) {
  const auto target = net::ParseTarget(request.target);
  if (!target) co_return net::TextResponse(400, target.error().message());
  const auto serving = FitServing(*target);
  if (!serving) co_return net::TextResponse(400, serving.error().message());

  Result<sources::ModelHeader> header = Error();
  std::string name = target->Get("name");
  if (request.method == "POST") {
    const auto file_bytes = ParseField(*target, "file_bytes", uint64_t{1} << 50);
    if (!file_bytes) co_return net::TextResponse(400, file_bytes.error().message());
    header = HeaderOfBody(request.body, *file_bytes);
  } else {
    const std::string text = target->Get("source");
    if (name.empty()) name = NameOf(text);
    auto source = sources::ParseSource(text);
    if (source && source->where != sources::Source::Where::kHttps) {
      source = Error(Code::kInvalid, "expected https:// or hf://owner/repo/file, got '" + text +
                                         "'; a file of this machine can be dropped on the page");
    }
    if (!source) co_return net::TextResponse(400, source.error().Within("source").message());
    header = co_await from.read(std::move(*source));
  }
  if (!header) co_return net::TextResponse(422, header.error().message());
  auto node = from.node();
  if (!node) co_return net::TextResponse(503, node.error().message());
  const Json json = FitJson(*header, name.empty() ? "model" : name, *serving, std::move(*node),
                            std::chrono::system_clock::now());
  co_return net::JsonResponse(200, WriteJson(json));
}

}  // namespace headroom::exporter

#include <charconv>

#include "sources/header_feed.h"
#include "sources/header_source.h"

namespace headroom::sources {
namespace {

namespace asio = boost::asio;

Error ForStatus(int status, const std::string& path) {
  switch (status) {
    case 401:
      return Error(Code::kUnauthorized,
                   "the node's exporter refuses our token (--node-token-file)");
    case 403:
      return Error(Code::kUnauthorized,
                   path + " is outside the model folders of the node's exporter");
    case 404: return Error(Code::kNotFound, path + " does not exist on the node");
    case 413: return Error(Code::kTooLarge, path + ": its header is too large");
    case 422: return Error(Code::kInvalid, path + " is no readable GGUF file");
    default: return Error(Code::kUnavailable, "the node's exporter cannot answer now");
  }
}

Error Unreachable(const Error& error) {
  if (error.code() == Code::kTimeout) {
    return Error(Code::kTimeout, "the node's exporter did not answer in time");
  }
  return Error(Code::kUnavailable, "the node's exporter cannot be reached");
}

Result<HeaderPart> ReadAnswer(const net::HttpResponse& response, const std::string& path) {
  if (response.status != 200) return ForStatus(response.status, path);
  HeaderPart part;
  if (const auto field = response.headers.Find("X-Headroom-File-Bytes")) {
    uint64_t bytes = 0;
    const auto [end, error] = std::from_chars(field->data(), field->data() + field->size(), bytes);
    if (error != std::errc() || end != field->data() + field->size()) {
      return Error(Code::kInvalid, "the node's exporter sent a malformed X-Headroom-File-Bytes");
    }
    part.file_bytes = bytes;
  }
  if (const auto etag = response.headers.Find("ETag")) part.revision = *etag;
  HeaderFeed feed(part.file_bytes);
  if (auto added = feed.Add(response.body); !added) return added.error().Within(path);
  auto header = feed.Finish();
  if (!header) return header.error().Within(path);
  part.header = std::move(*header);
  part.bytes_read = feed.received();
  return part;
}

Result<net::Url> BaseUrl(const std::string& metrics_address) {
  const bool bare = metrics_address.find("://") == std::string::npos;
  auto url = net::ParseUrl(bare ? "http://" + metrics_address : metrics_address);
  if (!url) return Error(Code::kInvalid, "the node's metrics-address is no HOST:PORT or URL");
  return url;
}

}  // namespace

asio::awaitable<Result<ModelHeader>> ReadNodeHeader(net::HttpClient& client,
                                                    std::string metrics_address, Source source,
                                                    std::string token, net::Deadline deadline) {
  const auto base = BaseUrl(metrics_address);
  if (!base) co_return base.error();
  std::vector<HeaderPart> parts;
  for (const Source& file : SplitParts(source)) {
    net::Url url = *base;
    url.target = "/v1/header?path=" + net::PercentEncode(file.path);
    net::HttpRequest request;
    request.target = url.target;
    if (!token.empty()) request.headers.Set("Authorization", "Bearer " + token);
    auto response = co_await client.Fetch(std::move(url), std::move(request), deadline);
    if (!response) co_return Unreachable(response.error());
    auto part = ReadAnswer(*response, file.path);
    if (!part) co_return part.error();
    if (auto added = AddPart(parts, std::move(*part)); !added) co_return added.error();
  }
  co_return AssembleModel(std::move(parts));
}

}  // namespace headroom::sources

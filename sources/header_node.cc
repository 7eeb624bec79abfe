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
    case 501:
      return Error(Code::kUnavailable,
                   "the node's exporter shows no headers (start it with --node-token-file)");
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
  HeaderPart part;
  if (response.status == 304) {
    part.unchanged = true;
    return part;
  }
  if (response.status != 200) return ForStatus(response.status, path);
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

// What identifies part `index` (from 0) of the source to the exporter.
std::string TargetOf(const Source& whole, const Source& part, size_t index) {
  if (part.where == Source::Where::kNodeFile) {
    return "/v1/header?path=" + net::PercentEncode(part.path);
  }
  return "/v1/header?source=" + net::PercentEncode(whole.text) +
         "&part=" + std::to_string(index + 1);
}

}  // namespace

asio::awaitable<Result<ModelHeader>> ReadNodeHeader(net::HttpClient& client,
                                                    const NodeAddressPolicy& policy,
                                                    NodeEndpoint node, Source source,
                                                    std::string token, net::Deadline deadline,
                                                    std::string known_revision) {
  const auto base = policy.Check(node);
  if (!base) co_return base.error();
  std::vector<HeaderPart> parts;
  const std::vector<Source> files = SplitParts(source);
  if (files.size() > 1) known_revision.clear();  // each part has a revision of its own
  for (const Source& file : files) {
    net::Url url = *base;
    url.target = TargetOf(source, file, parts.size());
    net::HttpRequest request;
    request.target = url.target;
    if (!token.empty()) request.headers.Set("Authorization", "Bearer " + token);
    if (!known_revision.empty()) request.headers.Set("If-None-Match", known_revision);
    auto response = co_await client.Fetch(std::move(url), std::move(request), deadline);
    if (!response) co_return Unreachable(response.error());
    const bool on_node = file.where == Source::Where::kNodeFile;
    auto part = ReadAnswer(*response, on_node ? file.path : "the copy in its store");
    if (!part) co_return part.error();
    if (auto added = AddPart(parts, std::move(*part)); !added) co_return added.error();
  }
  co_return AssembleModel(std::move(parts));
}

}  // namespace headroom::sources

#include "exporter/header_route.h"

#include <charconv>
#include <filesystem>
#include <functional>
#include <memory>

#include "common/files.h"
#include "common/log.h"
#include "net/async.h"
#include "sources/header_source.h"
#include "sources/source.h"
#include "sources/store_path.h"

namespace headroom::exporter {

namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

constexpr size_t kMaxHeaderBytes = 64u << 20;  // the largest known vocabularies take 16 MiB

bool IsBelow(const fs::path& path, const fs::path& root) {
  const auto [end, at] = std::mismatch(root.begin(), root.end(), path.begin(), path.end());
  return end == root.end() && at != path.end();
}

int StatusOf(const Error& error) {
  switch (error.code()) {
    case Code::kUnauthorized: return 403;
    case Code::kNotFound: return 404;
    case Code::kTooLarge: return 413;
    case Code::kInvalid: return 400;
    default: return 422;
  }
}

}  // namespace

bool IsAuthorized(std::string_view authorization, std::string_view token) {
  constexpr std::string_view kScheme = "Bearer ";
  if (token.empty() || authorization.substr(0, kScheme.size()) != kScheme) return false;
  const std::string_view given = authorization.substr(kScheme.size());
  // The length may show; the content must not.
  unsigned char difference = given.size() != token.size();
  for (size_t i = 0; i < given.size(); ++i) {
    difference |= static_cast<unsigned char>(given[i] ^ token[i % token.size()]);
  }
  return difference == 0;
}

Result<std::string> ResolveBelow(const std::string& path, const std::vector<std::string>& roots) {
  const Error outside(Code::kUnauthorized, "path: not below a --model-root of this node");
  if (path.empty() || path[0] != '/' || path.find('\0') != std::string::npos) {
    return Error(Code::kInvalid, "path: expected an absolute path");
  }
  std::error_code error;
  // The parts that exist are resolved, so that a missing file is judged by where it would be.
  const fs::path real = fs::weakly_canonical(path, error);
  if (error) return outside;
  for (const std::string& root : roots) {
    const fs::path real_root = fs::canonical(root, error);
    if (error || !IsBelow(real, real_root)) continue;
    if (!fs::is_regular_file(real, error)) return Error(Code::kNotFound, path + ": no such file");
    return real.string();
  }
  return outside;
}

Result<std::string> FindHeaderFile(const HeaderRouteOptions& options, const net::Target& target) {
  const std::string text = target.Get("source");
  std::vector<std::string> roots = options.roots;
  if (!options.store_dir.empty()) roots.push_back(options.store_dir);
  if (text.empty()) return ResolveBelow(target.Get("path"), roots);
  const auto source = sources::ParseSource(text);
  if (!source) return source.error();
  if (options.store_dir.empty()) return Error(Code::kNotFound, "this node has no store");
  std::error_code error;
  const fs::path store = fs::canonical(options.store_dir, error);
  if (error) return Error(Code::kNotFound, "this node has no store");
  const auto files = sources::StoreFiles(store.string(), *source);
  const std::string digits = target.Get("part");
  size_t part = 0;
  const auto [end, bad] = std::from_chars(digits.data(), digits.data() + digits.size(), part);
  if (bad != std::errc() || end != digits.data() + digits.size() || part == 0 ||
      part > files.size()) {
    return Error(Code::kInvalid,
                 "source, part: expected a https:// or hf:// source and one of its "
                 "parts, from 1");
  }
  return ResolveBelow(files[part - 1].path, {store.string()});
}

asio::awaitable<net::HttpResponse> HandleHeader(HeaderRouteOptions options,
                                                net::HttpRequest request) {
  if (options.token_file.empty()) {
    co_return net::TextResponse(501, "/v1/header is off; start with --node-token-file");
  }
  const auto token = ReadToken(options.token_file);
  if (!token) {
    LogError("/v1/header cannot check callers", {{"error", token.error()}});
    co_return net::TextResponse(503, "the node's token file cannot be read");
  }
  const auto authorization = request.headers.Find("Authorization");
  if (!authorization || !IsAuthorized(*authorization, *token)) {
    net::HttpResponse response = net::TextResponse(401, "a bearer token is needed");
    response.headers.Set("WWW-Authenticate", "Bearer");
    co_return response;
  }
  const auto target = net::ParseTarget(request.target);
  const auto path = target ? FindHeaderFile(options, *target) : target.error();
  if (!path) co_return net::TextResponse(StatusOf(path.error()), path.error().message());

  const auto result = std::make_shared<Result<sources::RawHeader>>(Error());
  std::function<void()> read = [result, file = *path] { *result = sources::ReadRawHeader(file); };
  co_await net::RunBlocking(std::move(read));
  if (!*result) {
    const bool no_gguf = result->error().code() == Code::kInvalid;
    co_return net::TextResponse(no_gguf ? 422 : StatusOf(result->error()),
                                result->error().message());
  }
  sources::RawHeader& header = **result;
  if (header.bytes.size() > kMaxHeaderBytes) {
    co_return net::TextResponse(413, *path + ": the header is larger than 64 MiB");
  }
  const std::string etag = "\"" + header.revision + "\"";
  net::HttpResponse response;
  response.headers.Set("ETag", etag);
  if (request.headers.Find("If-None-Match") == etag) {
    response.status = 304;
    co_return response;
  }
  response.headers.Set("Content-Type", "application/octet-stream");
  response.headers.Set("X-Headroom-File-Bytes", std::to_string(header.file_bytes));
  response.body = std::move(header.bytes);
  co_return response;
}

}  // namespace headroom::exporter

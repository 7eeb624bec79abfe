#include "net/page.h"

namespace headroom::net {

std::span<const PageFile> SharedPageFiles();

namespace {

constexpr std::string_view kPolicy =
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PageFile* FindIn(std::span<const PageFile> files, std::string_view path) {
  for (const PageFile& file : files) {
    if (file.path == path) return &file;
  }
  return nullptr;
}

}  // namespace

const PageFile* FindPageFile(std::span<const PageFile> files, std::string_view path) {
  const PageFile* own = FindIn(files, path);
  return own != nullptr ? own : FindIn(SharedPageFiles(), path);
}

HttpResponse PageResponse(const PageFile& file) {
  HttpResponse response;
  response.headers.Set("Content-Type", file.type);
  response.headers.Set("Content-Security-Policy", kPolicy);
  response.headers.Set("X-Content-Type-Options", "nosniff");
  response.headers.Set("Referrer-Policy", "no-referrer");
  response.headers.Set("Cache-Control", "no-cache");
  response.body = file.text;
  return response;
}

bool WantsHtml(const HttpRequest& request) {
  const auto accept = request.headers.Find("Accept");
  return accept && accept->find("text/html") != std::string_view::npos;
}

}  // namespace headroom::net

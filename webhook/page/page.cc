#include "webhook/page/page.h"

#include "net/page.h"

namespace headroom::webhook {

std::span<const net::PageFile> PageFiles();  // made by CMake

std::optional<net::HttpResponse> ShowPage(const net::HttpRequest& request, std::string_view path,
                                          const RecentDecisions& recent) {
  if (path == "/v1/decisions") {
    net::HttpResponse response = net::JsonResponse(200, WriteJson(ToJson(recent)));
    response.headers.Set("Cache-Control", "no-store");
    return response;
  }
  if (path == "/" && !net::WantsHtml(request)) return net::TextResponse(200, ToText(recent));
  const net::PageFile* file = net::FindPageFile(PageFiles(), path);
  return file != nullptr ? std::optional(net::PageResponse(*file)) : std::nullopt;
}

}  // namespace headroom::webhook

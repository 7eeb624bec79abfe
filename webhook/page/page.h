// The webhook's page at "/" and what it is made of: /v1/decisions, its scripts and style.
#pragma once

#include <optional>
#include <string_view>

#include "net/http.h"
#include "webhook/page/recent.h"

namespace headroom::webhook {

// nullopt: the page has nothing at `path`. A browser gets HTML, curl and kubectl plain text.
std::optional<net::HttpResponse> ShowPage(const net::HttpRequest& request, std::string_view path,
                                          const RecentDecisions& recent);

}  // namespace headroom::webhook

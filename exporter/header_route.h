// /v1/header: the GGUF header of a model file on this node, for the webhook. Only below the model
// roots and the store of fetched files, only for who holds the token, never more than the header.
//   ?path=/models/a.gguf                     a file of the node
//   ?source=hf://owner/repo/a.gguf&part=1    a source this node has fetched: its part, from 1
// With If-None-Match of the file's revision: 304.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "net/http.h"

namespace headroom::exporter {

struct HeaderRouteOptions {
  std::vector<std::string> roots;
  std::string store_dir;   // "" = none
  std::string token_file;  // read at each request, so that it can be rotated; "" = off
};

boost::asio::awaitable<net::HttpResponse> HandleHeader(HeaderRouteOptions options,
                                                       net::HttpRequest request);

// The file that the query asks for, if it may be shown. Errors as of ResolveBelow(), and kInvalid.
Result<std::string> FindHeaderFile(const HeaderRouteOptions& options, const net::Target& target);

// The canonical path, without links or "..", if it lies below one of `roots`. Errors: kUnauthorized
// outside of them, whether the file exists or not; kNotFound.
Result<std::string> ResolveBelow(const std::string& path, const std::vector<std::string>& roots);

// "Bearer TOKEN" against the token, in a time that does not depend on where they differ.
bool IsAuthorized(std::string_view authorization, std::string_view token);

}  // namespace headroom::exporter

// Pages for browsers: their files are compiled in (cmake/page.cmake), so that they work offline and
// nothing is read from disk while serving. All pages share a style sheet and some script.
#pragma once

#include <span>
#include <string_view>

#include "net/http.h"

namespace headroom::net {

struct PageFile {
  std::string_view path;  // "/", "/page.js", ...
  std::string_view type;  // Content-Type
  std::string_view text;
};

// The file at `path`, of `files` or of those that all pages share; nullptr: there is none.
const PageFile* FindPageFile(std::span<const PageFile> files, std::string_view path);

// With what the page may do: its own style, scripts and requests, nothing from elsewhere, nothing
// inline.
HttpResponse PageResponse(const PageFile& file);

// A browser asks for HTML by name; curl and the like take anything and are better served with text.
bool WantsHtml(const HttpRequest& request);

}  // namespace headroom::net

// The page's files, compiled in: it works offline, and nothing is read from disk while serving.
#pragma once

#include <string_view>

namespace headroom::exporter {

struct Asset {
  std::string_view path;  // "/", "/page.css", ...
  std::string_view type;  // Content-Type
  std::string_view text;
};

const Asset* FindAsset(std::string_view path);  // nullptr: there is none

// What the page may do: its own style, scripts and requests, nothing from elsewhere, nothing
// inline.
inline constexpr std::string_view kPagePolicy =
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

}  // namespace headroom::exporter

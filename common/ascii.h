// Letters without locale: host names, kinds and flag values are ASCII whatever the user's language.
#pragma once

#include <string>
#include <string_view>

namespace headroom {

inline std::string AsciiLower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

}  // namespace headroom

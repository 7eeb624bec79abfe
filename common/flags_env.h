// The environment variable that stands in for a flag: log-level -> HEADROOM_LOG_LEVEL.
#pragma once

#include <string>
#include <string_view>

namespace headroom {

inline std::string EnvironmentName(std::string_view flag) {
  std::string name = "HEADROOM_";
  for (const char c : flag) {
    if (c == '-') {
      name += '_';
    } else {
      name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
  }
  return name;
}

}  // namespace headroom

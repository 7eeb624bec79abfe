#include "estimator/version.h"

#include <charconv>
#include <optional>

namespace headroom::estimator {
namespace {

struct Minor {
  int major = 0, minor = 0;
};

std::optional<Minor> ParseVersion(std::string_view text) {
  if (text.starts_with('v')) text.remove_prefix(1);
  Minor out;
  const char* end = text.data() + text.size();
  const auto major = std::from_chars(text.data(), end, out.major);
  if (major.ec != std::errc() || major.ptr == end || *major.ptr != '.') return std::nullopt;
  const auto minor = std::from_chars(major.ptr + 1, end, out.minor);
  if (minor.ec != std::errc()) return std::nullopt;
  return out;
}

}  // namespace

// Patch releases are identical; 0.6 added the second graph input.
RuntimeTraits TraitsOf(std::string_view asked) {
  RuntimeTraits newest{.version = "0.6.0", .graph_inputs = true, .pooled_index = true, .note = ""};
  if (asked.empty()) return newest;
  const std::string name(asked.substr(0, 40));
  const auto version = ParseVersion(asked);
  if (!version) {
    newest.note = "llama.cpp version '" + name + "' is not known: estimated as 0.6.0";
    return newest;
  }
  if (version->major == 0 && version->minor == 6) return newest;
  if (version->major == 0 && version->minor <= 5) {
    RuntimeTraits older{
        .version = "0.5.0", .graph_inputs = false, .pooled_index = false, .note = ""};
    if (version->minor < 5) older.note = "llama.cpp " + name + " is estimated as 0.5.0";
    return older;
  }
  newest.note = "llama.cpp " + name + " is estimated as 0.6.0, the newest version known";
  return newest;
}

}  // namespace headroom::estimator

// Any text as a file of a GitOps repository: each manifest read from it names a line that it has.
#include <algorithm>
#include <cstdlib>

#include "cli/check/manifests.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace headroom::cli;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto total = static_cast<int>(std::count(text.begin(), text.end(), '\n')) + 1;
  const auto lines = DocumentLines(text);
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i] < 1 || lines[i] > total || (i > 0 && lines[i] <= lines[i - 1])) std::abort();
  }
  const auto manifests = ManifestsOf(text, "fuzz.yaml");
  if (!manifests) {
    if (manifests.error().message().empty()) std::abort();
    return 0;
  }
  for (const Manifest& one : *manifests) {
    if (one.line < 1 || one.line > total) std::abort();
  }
  return 0;
}

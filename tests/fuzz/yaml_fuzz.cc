// What parses is written so that it parses to the same value.
#include <cstdlib>

#include "common/yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace headroom;
  const auto documents = ParseYaml({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!documents) {
    if (documents.error().message().empty()) std::abort();
    return 0;
  }
  for (const Json& document : *documents) {
    const auto again = ParseYaml(WriteYaml(document), "again");
    if (!again || again->size() != 1 || again->front() != document) std::abort();
  }
  return 0;
}

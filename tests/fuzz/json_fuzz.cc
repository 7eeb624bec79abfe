// What parses is written so that it parses to the same value, and patching it never fails.
#include <cstdlib>

#include "common/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace headroom;
  const auto json = ParseJson({reinterpret_cast<const char*>(data), size});
  if (!json) {
    if (json.error().message().empty()) std::abort();
    return 0;
  }
  const auto compact = ParseJson(WriteJson(*json));
  if (!compact || *compact != *json) std::abort();
  const auto pretty = ParseJson(WriteJsonPretty(*json));
  if (!pretty || *pretty != *json) std::abort();
  Json target = *json;
  MergePatch(target, *json);
  return 0;
}

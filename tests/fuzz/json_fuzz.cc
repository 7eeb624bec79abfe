// What parses is written so that it parses to the same value, patching it never fails, and a reader
// of one field finds there what a reader of all finds.
#include <cstdlib>

#include "common/json_fields.h"

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
  static const JsonFields kFields{"a"};
  const auto some = ParseJson({reinterpret_cast<const char*>(data), size}, kFields);
  if (!some) std::abort();
  if (json->IsObject()) {
    const Json *kept = some->Find("a"), *whole = json->Find("a");
    if ((kept == nullptr) != (whole == nullptr) || (kept != nullptr && *kept != *whole))
      std::abort();
  }
  Json target = *json;
  MergePatch(target, *json);
  return 0;
}

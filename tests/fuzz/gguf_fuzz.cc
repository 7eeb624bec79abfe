// Any bytes as a GGUF header: read in chunks whose size the input chooses, then described,
// estimated and searched. Nothing may crash, hang or allocate more than the input justifies.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "estimator/gguf/reader.h"
#include "estimator/search.h"

namespace {

using namespace headroom::estimator;

void Judge(const GgufHeader& header, uint64_t file_bytes) {
  const auto model = DescribeModel({header}, file_bytes);
  if (!model) return;
  ServingOptions options;
  for (const char* type : {"f16", "q8_0"}) {
    options.cache_type_k = options.cache_type_v = type;
    (void)Estimate(*model, options);
  }
  options.context = 8192;
  options.kv_unified = false;
  (void)LargestContext(*model, options, uint64_t{1} << 34);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const size_t chunk = data[0] == 0 ? size : data[0];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  GgufReader reader(bytes.size());
  while (!reader.done()) {
    const auto want = reader.want();
    if (want.length == 0 || want.offset >= bytes.size()) break;
    if (!reader.Feed(bytes.substr(want.offset, chunk))) return 0;
  }
  if (const auto header = reader.Finish()) Judge(*header, bytes.size());
  return 0;
}

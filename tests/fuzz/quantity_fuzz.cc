// What parses is printed exactly, and the printed text is no larger than the plain number.
#include <cstdlib>

#include "common/quantity.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace headroom;
  const auto bytes = ParseQuantity({reinterpret_cast<const char*>(data), size});
  if (!bytes) return 0;
  const std::string text = FormatQuantity(*bytes);
  const auto again = ParseQuantity(text);
  if (!again || *again != *bytes || text.size() > std::to_string(*bytes).size()) std::abort();
  if (FormatBytes(*bytes).empty() || FormatGiB(*bytes).empty()) std::abort();
  return 0;
}

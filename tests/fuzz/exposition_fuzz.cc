// Any page is refused or shown as one that is read again without change: what leaves the parser is
// the text format.
#include <cstdint>
#include <cstdlib>

#include "exporter/metrics/exposition.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace headroom::exporter;
  const std::string_view page(reinterpret_cast<const char*>(data), size);
  const auto families = ParseExposition(page, {{"name", "m\"\n\\"}});
  if (!families) return 0;
  const std::string shown = ExpositionText(*families);
  const auto again = ParseExposition(shown, {});
  if (!again || ExpositionText(*again) != shown) abort();
  return 0;
}

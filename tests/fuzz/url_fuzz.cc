// URLs, targets and endpoints: what was accepted prints as itself and reads back the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/http.h"

using headroom::net::ParseEndpoint;
using headroom::net::ParseTarget;
using headroom::net::ParseUrl;
using headroom::net::ResolveReference;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto url = ParseUrl(text)) {
    const auto again = ParseUrl(url->ToString());
    if (!again || again->host != url->host || again->port != url->port ||
        again->target != url->target || again->scheme != url->scheme) {
      abort();
    }
  }
  static const auto base = ParseUrl("https://example.com:8443/a/b?c");
  (void)ResolveReference(*base, text);
  if (const auto target = ParseTarget(text); target && target->path.empty()) abort();
  (void)ParseEndpoint(text);
  return 0;
}

// PEM as it may stand in a Secret, a caBundle or a file: no crash, and what is split stays the
// same.
#include <cstdint>
#include <cstdlib>

#include "certs/rotation.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace headroom::certs;
  const std::string pem(reinterpret_cast<const char*>(data), size);
  const auto now = *headroom::ParseRfc3339("2026-01-02T03:04:05Z");
  (void)Describe(pem);
  (void)VerifyPair(pem, pem);
  (void)VerifyChain(pem, pem, "webhook.system.svc", now);
  const auto split = SplitBundle(pem);
  if (!split) return 0;
  std::string joined;
  for (const std::string& one : *split) joined += one;
  const auto again = SplitBundle(joined);
  if (!again || *again != *split) abort();
  return 0;
}

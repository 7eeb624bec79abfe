// Address text and URLs against the SSRF guard: it never crashes, and whatever the default policy
// lets through is public by an independent reading of the address.
#include <arpa/inet.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "sources/address_policy.h"
#include "sources/node_address.h"
#include "sources/source.h"

namespace {

using headroom::sources::AddressPolicy;

// A second, cruder opinion, straight from inet_pton.
bool SurelyPrivate(const std::string& text) {
  unsigned char b[16];
  if (inet_pton(AF_INET, text.c_str(), b) == 1) {
    return b[0] == 0 || b[0] == 10 || b[0] == 127 || b[0] >= 224 || (b[0] == 192 && b[1] == 168) ||
           (b[0] == 169 && b[1] == 254) || (b[0] == 172 && b[1] >= 16 && b[1] < 32);
  }
  if (inet_pton(AF_INET6, text.c_str(), b) != 1) return true;  // no address at all
  return b[0] < 0x20 || b[0] > 0x3f || (b[0] == 0x20 && b[1] == 0x02);
}

// What no exporter listens on, whatever a Node says.
bool SurelyNoHost(const std::string& text) {
  unsigned char b[16];
  if (inet_pton(AF_INET, text.c_str(), b) == 1) {
    return b[0] == 0 || b[0] == 127 || b[0] >= 224 || (b[0] == 169 && b[1] == 254);
  }
  if (inet_pton(AF_INET6, text.c_str(), b) != 1) return true;
  static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::memcmp(b, mapped, 12) == 0) {
    return b[12] == 0 || b[12] == 127 || b[12] >= 224 || (b[12] == 169 && b[13] == 254);
  }
  return b[0] < 0x20 || (b[0] > 0x3f && (b[0] & 0xfe) != 0xfc);
}

void CheckNodeAddress(const std::string& text) {
  using headroom::sources::NodeAddressPolicy;
  static const NodeAddressPolicy kPolicy = *NodeAddressPolicy::Parse({}, false);
  if (kPolicy.CheckAddress("host", text) && SurelyNoHost(text)) std::abort();
  const auto url = kPolicy.Check({text, {"10.0.0.5", "mac-1"}});
  if (url && url->host != "mac-1") {
    const auto bytes = headroom::sources::ParseAddress(url->host);  // in whatever spelling
    if (bytes != headroom::sources::ParseAddress("10.0.0.5")) std::abort();
  }
  (void)NodeAddressPolicy::Parse({text}, true);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (headroom::sources::IsPublicAddress(text) && SurelyPrivate(text)) std::abort();
  static const AddressPolicy kPolicy = *AddressPolicy::Parse(AddressPolicy::DefaultEntries());
  if (kPolicy.CheckAddress("host", text) && SurelyPrivate(text)) std::abort();
  if (const auto url = headroom::net::ParseUrl(text); url && kPolicy.CheckUrl(*url)) {
    const bool hub = url->host.find("huggingface.co") != std::string::npos ||
                     url->host.find(".hf.co") != std::string::npos;
    if (!hub || url->port != 443) std::abort();
  }
  if (const auto source = headroom::sources::ParseSource(text)) {
    const std::string described = headroom::sources::Describe(*source);
    for (const unsigned char c : described) {
      if (c < 0x20 || c > 0x7e) std::abort();
    }
    for (const auto& part : headroom::sources::SplitParts(*source)) {
      if (part.path.find("/../") != std::string::npos) std::abort();
    }
  }
  (void)AddressPolicy::Parse({text});
  CheckNodeAddress(text);
  return 0;
}

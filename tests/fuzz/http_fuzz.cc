// Requests and responses, whole and in two pieces: no crash, and the cut changes nothing.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "net/http_codec.h"

namespace {

using headroom::net::HttpLimits;
using headroom::net::RequestParser;
using headroom::net::ResponseParser;

constexpr HttpLimits kLimits{.max_header_bytes = 512, .max_body_bytes = 1024};

// Feeds [0, cut) and then the rest; false when the input was refused.
template <class Parser>
bool Feed(Parser& parser, const std::string& text, size_t cut) {
  std::string pending = text.substr(0, cut);
  for (int part = 0; part < 2; ++part) {
    const auto used = parser.Feed(pending);
    if (!used) return false;
    if (*used > pending.size()) abort();
    pending.erase(0, *used);
    if (part == 0) pending += text.substr(cut);
  }
  return true;
}

void FuzzRequest(const std::string& text, size_t cut) {
  RequestParser whole(kLimits), parts(kLimits);
  const bool a = Feed(whole, text, text.size());
  const bool b = Feed(parts, text, cut);
  if (!a || !b) return;
  if (whole.done() != parts.done()) abort();
  if (whole.done() && whole.request().body != parts.request().body) abort();
  if (whole.request().body.size() > kLimits.max_body_bytes) abort();
}

void FuzzResponse(const std::string& text, size_t cut, bool head) {
  ResponseParser whole(kLimits, head), parts(kLimits, head);
  if (!Feed(whole, text, text.size()) || !Feed(parts, text, cut)) return;
  if (whole.done() != parts.done()) abort();
  if (whole.response().body != parts.response().body) abort();
  (void)whole.FeedEof();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const size_t cut = text.empty() ? 0 : (data[0] | data[1] << 8) % (text.size() + 1);
  FuzzRequest(text, cut);
  FuzzResponse(text, cut, data[1] & 0x80);
  return 0;
}

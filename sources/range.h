// Decisions of the ranged header read, apart from the sockets: what a response head to
// "Range: bytes=B-" means, and what may be sent where. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"
#include "net/http.h"

namespace headroom::sources {

// "bytes 0-99/1234"; the total is nullopt for '*'. Errors: kInvalid.
struct ContentRange {
  uint64_t first = 0, last = 0;
  std::optional<uint64_t> total;
};
Result<ContentRange> ParseContentRange(std::string_view text);

bool IsRedirect(int status);

struct RangeHead {
  std::optional<uint64_t> file_bytes;
  std::string etag;              // "" = none
  uint64_t length = UINT64_MAX;  // body bytes to expect
};
// A head that answers a request for bytes from `begin`. A 200 (no range support) is fine only
// from the start. Error texts are ours: no word of the upstream's.
Result<RangeHead> ReadRangeHead(const net::HttpResponse& head, uint64_t begin);

}  // namespace headroom::sources

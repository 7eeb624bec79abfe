// Watch framing and event decoding: any split of the stream gives the same events, nothing crashes.
#include <cstdint>
#include <cstdlib>

#include "kube/watch_frames.h"

namespace {

using headroom::Result;
using headroom::kube::WatchFrames;

struct Outcome {
  size_t lines = 0, bytes = 0, pending = 0;
  bool ok = true;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome Feed(std::string_view stream, size_t piece) {
  WatchFrames frames(256);
  Outcome out;
  for (size_t at = 0; at < stream.size() && out.ok; at += piece) {
    out.ok = frames
                 .Feed(stream.substr(at, piece),
                       [&out](std::string_view line) -> Result<void> {
                         ++out.lines;
                         out.bytes += line.size();
                         (void)headroom::kube::DecodeWatchEvent(line);
                         return {};
                       })
                 .has_value();
  }
  out.pending = out.ok ? frames.pending() : 0;
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t piece = data[0] % 64 + 1;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (Feed(stream, piece) != Feed(stream, stream.size() + 1)) abort();
  return 0;
}

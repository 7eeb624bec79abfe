// What the callers of GgufReader share: bytes that stream by in order, and the ModelHeader that
// finished parts make together. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "estimator/gguf/reader.h"
#include "sources/header_source.h"

namespace headroom::sources {

inline constexpr uint64_t kMaxHeaderBytes = 64u << 20;  // the largest known header has 18 MiB
inline constexpr uint64_t kMaxAllHeaderBytes = 4 * kMaxHeaderBytes;  // over the parts of a split

// Feeds a reader from a stream: bytes it wants to jump over are dropped as they pass.
class HeaderFeed {
 public:
  explicit HeaderFeed(std::optional<uint64_t> file_bytes = std::nullopt);

  // `bytes` follow those added before (or start at NextOffset() after SkipAhead()).
  Result<void> Add(std::string_view bytes);
  bool done() const { return reader_.done(); }
  uint64_t NextOffset() const { return reader_.want().offset; }
  void SkipAhead() { position_ = NextOffset(); }  // the stream goes on at NextOffset()
  uint64_t received() const { return received_; }
  Result<estimator::GgufHeader> Finish() { return reader_.Finish(); }
  estimator::GgufHeader Partial() const { return reader_.Partial(); }

 private:
  estimator::GgufReader reader_;
  uint64_t position_ = 0, received_ = 0;
};

// One finished part and what is known of its file.
struct HeaderPart {
  estimator::GgufHeader header;
  std::optional<uint64_t> file_bytes;
  uint64_t bytes_read = 0;
  std::string revision;
  bool unchanged = false;  // see ModelHeader; nothing else is set
};
// Appends to `parts` what a model keeps of a further part; kInvalid when the headers of all parts
// together are larger than any model's.
Result<void> AddPart(std::vector<HeaderPart>& parts, HeaderPart part);
// kInvalid when a file is shorter than its tensors need, parts are missing or a size is absurd.
Result<ModelHeader> AssembleModel(std::vector<HeaderPart> parts);

}  // namespace headroom::sources

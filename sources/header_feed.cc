#include "sources/header_feed.h"

#include <algorithm>

#include "common/checked.h"

namespace headroom::sources {
namespace {

// Far above any model: keeps the sums of an estimate within 64 bits.
constexpr uint64_t kMaxFileBytes = uint64_t{1} << 50;

estimator::GgufLimits Limits() {
  estimator::GgufLimits limits;
  limits.header_bytes = kMaxHeaderBytes;
  return limits;
}

bool IsProjector(const estimator::GgufHeader& header) {
  return header.String("general.type") == "mmproj" ||
         header.String("general.architecture") == "clip";
}

}  // namespace

HeaderFeed::HeaderFeed(std::optional<uint64_t> file_bytes) : reader_(file_bytes, Limits()) {}

Result<void> HeaderFeed::Add(std::string_view bytes) {
  received_ += bytes.size();
  while (!bytes.empty() && !reader_.done()) {
    const uint64_t jump = SaturatingSub(reader_.want().offset, position_);
    if (const uint64_t drop = std::min<uint64_t>(jump, bytes.size()); drop > 0) {
      bytes.remove_prefix(drop);
      position_ += drop;
      continue;
    }
    if (auto fed = reader_.Feed(bytes); !fed) return fed.error();
    position_ += bytes.size();
    return {};
  }
  position_ += bytes.size();
  return {};
}

Result<void> AddPart(std::vector<HeaderPart>& parts, HeaderPart part) {
  uint64_t total = part.header.header_bytes;
  for (const HeaderPart& earlier : parts) total += earlier.header.header_bytes;
  if (total > kMaxAllHeaderBytes) {
    return Error(Code::kInvalid, "the headers of its parts exceed " +
                                     std::to_string(kMaxAllHeaderBytes) + " bytes");
  }
  // The first part speaks for the model; what the others repeat is not kept.
  if (!parts.empty()) part.header.metadata.clear();
  parts.push_back(std::move(part));
  return {};
}

Result<ModelHeader> AssembleModel(std::vector<HeaderPart> parts) {
  if (!parts.empty()) {
    const uint64_t expected = parts.front().header.Uint("split.count").value_or(0);
    if (expected > parts.size()) {
      return Error(Code::kInvalid, "the file is one of " + std::to_string(expected) +
                                       " parts, found " + std::to_string(parts.size()) +
                                       ": name the first part, NAME-00001-of-NNNNN.gguf");
    }
  }
  ModelHeader out;
  if (parts.size() == 1 && parts.front().unchanged) {
    out.unchanged = true;
    return out;
  }
  uint64_t file_bytes = 0;
  std::vector<estimator::GgufHeader> headers;
  for (HeaderPart& part : parts) {
    const uint64_t needed = part.header.MinFileBytes();
    if (part.file_bytes && *part.file_bytes < needed) {
      return Error(Code::kInvalid, "the file is truncated: it has " +
                                       std::to_string(*part.file_bytes) +
                                       " bytes, its tensors need " + std::to_string(needed));
    }
    const auto sum = CheckedAdd(file_bytes, part.file_bytes.value_or(needed));
    if (!sum || *sum > kMaxFileBytes) {
      return Error(Code::kInvalid, "its file size is out of range (at most 1 PiB)");
    }
    file_bytes = *sum;
    out.bytes_read += part.bytes_read;
    if (!out.revision.empty()) out.revision += ' ';
    out.revision += part.revision;
    headers.push_back(std::move(part.header));
  }
  if (!headers.empty() && IsProjector(headers.front())) {
    out.projector = true;
    out.model.file_bytes = file_bytes;
    return out;
  }
  auto model = estimator::DescribeModel(headers, file_bytes);
  if (!model) return model.error();
  out.model = std::move(*model);
  return out;
}

}  // namespace headroom::sources

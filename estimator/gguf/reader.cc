#include "estimator/gguf/reader.h"

#include <algorithm>

#include "common/checked.h"
#include "estimator/gguf/cursor.h"

namespace headroom::estimator {
namespace {

constexpr uint32_t kMagic = 0x46554747;  // "GGUF"
// Most headers end within this many bytes of where the reader stands, so one read is enough.
constexpr uint64_t kWantBytes = 256u << 10;
// Smallest possible entries: key length + type + one byte; name length + n_dims + type + offset.
constexpr uint64_t kMinKvBytes = 8 + 4 + 1;
constexpr uint64_t kMinTensorBytes = 8 + 4 + 4 + 8;

}  // namespace

GgufReader::GgufReader(std::optional<uint64_t> file_bytes, GgufLimits limits)
    : file_bytes_(file_bytes), limits_(limits) {}

GgufReader::Want GgufReader::want() const {
  const uint64_t offset = position_ + carry_.size();
  if (done()) return {offset, 0};
  uint64_t length = kWantBytes;
  if (file_bytes_) length = std::min(length, SaturatingSub(*file_bytes_, offset));
  return {offset, length};
}

Result<void> GgufReader::Feed(std::string_view bytes) {
  if (failed_) return *failed_;
  // Complete the element that the last chunk cut: take as little of this chunk as that needs.
  size_t slice = 512;
  while (!carry_.empty() && !bytes.empty() && !done()) {
    const size_t cut = carry_.size();
    const size_t taken = std::min(slice, bytes.size());
    carry_.append(bytes.substr(0, taken));
    Cursor in(carry_);
    if (auto parsed = Parse(in); !parsed) return parsed;
    if (in.position() < cut) {  // still not complete, this slice stays in carry_
      position_ += in.position();
      carry_.erase(0, in.position());
      bytes.remove_prefix(taken);
      slice *= 2;
      continue;
    }
    position_ += in.position();
    carry_.clear();
    // The cursor may have jumped beyond this chunk: then all of it is used.
    bytes.remove_prefix(std::min<uint64_t>(in.position() - cut, bytes.size()));
  }
  if (done() || bytes.empty()) return {};
  Cursor in(bytes);
  if (auto parsed = Parse(in); !parsed) return parsed;
  position_ += in.position();
  if (!done() && in.position() < bytes.size()) carry_.assign(bytes.substr(in.position()));
  return {};
}

// Reads elements until one is incomplete; the cursor then stands at its start.
Result<void> GgufReader::Parse(Cursor& in) {
  while (!done()) {
    const uint64_t start = in.position();
    if (position_ + start > limits_.header_bytes) {
      failed_ = Bad(Code::kTooLarge, "the header exceeds the limit of " +
                                         std::to_string(limits_.header_bytes >> 20) + " MiB");
      return *failed_;
    }
    const auto complete = Next(in);
    if (!complete) {
      failed_ = complete.error();
      return *failed_;
    }
    if (!*complete) {
      if (step_ != Step::kStrings) in.Rewind(start);  // strings are consumed one by one
      return {};
    }
  }
  return {};
}

Result<bool> GgufReader::Next(Cursor& in) {
  switch (step_) {
    case Step::kPreamble: return ReadPreamble(in);
    case Step::kKey: return ReadKeyAndValue(in);
    case Step::kArrayHead: return ReadArrayHead(in);
    case Step::kStrings: return ReadStrings(in);
    case Step::kTensor: return ReadTensor(in);
    case Step::kDone: break;
  }
  return true;
}

Result<bool> GgufReader::ReadPreamble(Cursor& in) {
  uint32_t magic = 0, version = 0;
  if (!in.Take(magic)) return false;
  if (magic != kMagic) return Error(Code::kInvalid, "not a GGUF file: it does not start with GGUF");
  if (!in.Take(version)) return false;
  if ((version & 0xffff) == 0) {
    return Error(Code::kUnsupported,
                 "big-endian GGUF: convert it to little endian (gguf-py: gguf-convert-endian)");
  }
  if (version != 2 && version != 3) {
    return Error(Code::kUnsupported, "GGUF version " + std::to_string(version) +
                                         ": expected 2 or 3; convert the model again");
  }
  if (!in.Take(n_tensors_) || !in.Take(n_kv_)) return false;
  header_.version = version;
  if (n_tensors_ > limits_.n_tensors || !Fits(n_tensors_, kMinTensorBytes)) {
    return Bad(Code::kTooLarge, std::to_string(n_tensors_) + " tensors cannot be");
  }
  if (n_kv_ > limits_.n_kv || !Fits(n_kv_, kMinKvBytes)) {
    return Bad(Code::kTooLarge, std::to_string(n_kv_) + " metadata keys cannot be");
  }
  header_.tensors.reserve(std::min<uint64_t>(n_tensors_, 4096));
  step_ = n_kv_ > 0 ? Step::kKey : Step::kTensor;
  if (n_kv_ == 0 && n_tensors_ == 0) {
    header_.header_bytes = position_ + in.position();
    if (auto ended = EndOfTensors(); !ended) return ended.error();
  }
  return true;
}

GgufHeader GgufReader::Partial() const {
  GgufHeader partial = header_;
  if (step_ == Step::kStrings) {
    partial.metadata.emplace(key_, GgufValue{GgufType::kArray, array_});
  }
  return partial;
}

Result<GgufHeader> GgufReader::Finish() {
  if (failed_) return *failed_;
  if (done()) return std::move(header_);
  return Bad(Code::kInvalid, "truncated at byte " + std::to_string(position_ + carry_.size()));
}

// Whether that many entries can still lie in the file.
bool GgufReader::Fits(uint64_t count, uint64_t bytes_each) const {
  const auto bytes = CheckedMul(count, bytes_each);
  if (!bytes) return false;
  return !file_bytes_ || *bytes <= SaturatingSub(*file_bytes_, position_);
}

std::string GgufReader::Place() const {
  switch (step_) {
    case Step::kPreamble: return "preamble";
    case Step::kKey:
      return "metadata key " + std::to_string(header_.metadata.size() + 1) + " of " +
             std::to_string(n_kv_);
    case Step::kArrayHead:
    case Step::kStrings: return "metadata '" + key_ + "'";
    case Step::kTensor:
      return "tensor " + std::to_string(header_.tensors.size() + 1) + " of " +
             std::to_string(n_tensors_);
    case Step::kDone: break;
  }
  return "end of header";
}

Error GgufReader::Bad(Code code, std::string_view what) const {
  return Error(code, Place() + ": " + std::string(what));
}

}  // namespace headroom::estimator

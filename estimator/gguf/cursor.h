// Cursor over fed bytes: takes little-endian numbers and strings, or says that they are not all
// there yet. It may be moved past its end: the caller then continues at that file offset.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "estimator/gguf/reader.h"

namespace headroom::estimator {

class GgufReader::Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}

  uint64_t position() const { return position_; }  // of the next byte, from the start
  uint64_t left() const { return position_ < bytes_.size() ? bytes_.size() - position_ : 0; }
  void Rewind(uint64_t position) { position_ = position; }
  void Jump(uint64_t count) { position_ += count; }

  template <class T>
  bool Take(T& out) {
    static_assert(std::endian::native == std::endian::little, "GGUF numbers are read in place");
    if (left() < sizeof(T)) return false;
    std::memcpy(&out, bytes_.data() + position_, sizeof(T));
    position_ += sizeof(T);
    return true;
  }

  bool TakeText(uint64_t length, std::string_view& out) {
    if (left() < length) return false;
    out = bytes_.substr(position_, length);
    position_ += length;
    return true;
  }

 private:
  std::string_view bytes_;
  uint64_t position_ = 0;
};

}  // namespace headroom::estimator

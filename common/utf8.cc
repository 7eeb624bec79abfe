#include "common/utf8.h"

#include <cstdint>
#include <cstring>

namespace headroom {
namespace {

// Eight bytes at a time: nearly all text is ASCII.
size_t AsciiPrefix(const unsigned char* p, size_t size) {
  size_t done = 0;
  for (; size - done >= 8; done += 8) {
    uint64_t word;
    std::memcpy(&word, p + done, 8);
    if (word & 0x8080808080808080u) break;
  }
  while (done < size && p[done] < 0x80) ++done;
  return done;
}

// Length of the multi-byte sequence at `p`, 0 if ill-formed (Unicode 15, table 3-7).
size_t SequenceLength(const unsigned char* p, size_t size) {
  const unsigned char lead = p[0];
  size_t length = 0;
  unsigned char low = 0x80, high = 0xBF;  // range of the second byte
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  }
  if (length == 0 || size < length || p[1] < low || p[1] > high) return 0;
  for (size_t i = 2; i < length; ++i) {
    if ((p[i] & 0xC0) != 0x80) return 0;
  }
  return length;
}

}  // namespace

size_t ValidUtf8Prefix(std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  size_t at = 0;
  while (true) {
    at += AsciiPrefix(p + at, text.size() - at);
    if (at == text.size()) return at;
    const size_t length = SequenceLength(p + at, text.size() - at);
    if (length == 0) return at;
    at += length;
  }
}

std::string ReplaceBadUtf8(std::string_view text) {
  std::string out;
  while (true) {
    const size_t good = ValidUtf8Prefix(text);
    out.append(text.substr(0, good));
    if (good == text.size()) return out;
    out += "\xEF\xBF\xBD";
    text.remove_prefix(good + 1);
  }
}

}  // namespace headroom

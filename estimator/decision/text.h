// Small pieces of operator text: ASCII only, one unit a line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::estimator {

// Printable ASCII, other bytes as '?', at most `max` characters (then ending in "...").
std::string Ascii(std::string_view text, size_t max);

// Numbers of one sentence in the same unit: GiB, or MiB when GiB with one decimal would hide a
// number or a difference between two.
class Unit {
 public:
  explicit Unit(const std::vector<uint64_t>& amounts);
  std::string Number(uint64_t bytes) const;  // "52.1"
  std::string Amount(uint64_t bytes) const;  // "52.1 GiB"

 private:
  bool gib_ = true;
};

// `left` and `right` with blanks in between so that the right ends at column `width`.
std::string Columns(const std::string& left, const std::string& right, size_t width = 84);

}  // namespace headroom::estimator

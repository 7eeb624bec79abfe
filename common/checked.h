// Arithmetic on numbers that came from outside (file headers, manifests): overflow is an answer,
// not undefined behaviour.
#pragma once

#include <cstdint>
#include <optional>

namespace headroom {

inline std::optional<uint64_t> CheckedAdd(uint64_t a, uint64_t b) {
  uint64_t sum;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

inline std::optional<uint64_t> CheckedMul(uint64_t a, uint64_t b) {
  uint64_t product;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

// Rounds up to a multiple of `unit` (not zero); saturates at the largest multiple that fits.
inline uint64_t PadUp(uint64_t value, uint64_t unit) {
  const uint64_t rest = value % unit;
  if (rest == 0) return value;
  const auto padded = CheckedAdd(value, unit - rest);
  return padded ? *padded : UINT64_MAX - UINT64_MAX % unit;
}

inline uint64_t CeilDiv(uint64_t value, uint64_t unit) {
  return value / unit + (value % unit != 0);
}

// a - b, or 0 where that would be negative ("headroom is never negative in output").
inline uint64_t SaturatingSub(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

}  // namespace headroom

// Kubernetes resource quantities ("8Gi", "1500M", "0.5Ti", "1e3") to and from bytes, exactly, and
// the one way this product prints byte counts to people.
// Grammar: kubernetes/apimachinery pkg/api/resource/quantity.go.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.h"

namespace headroom {

// Bytes of a non-negative quantity. A fraction of a byte rounds up, as resource.Quantity.Value().
// Errors name the text and the expected form; negative and > 2^63-1 are kInvalid.
Result<uint64_t> ParseQuantity(std::string_view text);

// Shortest exact quantity: 8589934592 -> "8Gi", 1500000000 -> "1500M", 12345 -> "12345".
std::string FormatQuantity(uint64_t bytes);

// GiB with one decimal and no unit ("52.1"), for columns that share a unit, rounded to nearest.
std::string FormatGiB(uint64_t bytes);

// "52.1 GiB"; below 1 GiB "812.0 MiB", below 1 MiB "12.3 KiB", below 1 KiB "17 B".
std::string FormatBytes(uint64_t bytes);

}  // namespace headroom

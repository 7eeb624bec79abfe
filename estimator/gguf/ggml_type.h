// The tensor types of ggml: id in the file, name, elements per block and bytes per block.
// Ids and blocks as enum ggml_type (ggml/include/ggml.h), type_traits (ggml/src/ggml.c) and the
// block structs (ggml/src/ggml-common.h) of llama.cpp 0.6.0 have them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/result.h"

namespace headroom::estimator {

struct GgmlType {
  uint32_t id;
  std::string_view name;  // as ggml_type_name(): "q4_K"
  uint32_t block_elements;
  uint32_t block_bytes;
};

// nullptr for an id that ggml does not know, or that it has removed (4, 5, 31 to 33, 36 to 38).
const GgmlType* FindGgmlType(uint32_t id);
// By name, case-insensitive: "Q8_0", "iq4_nl".
const GgmlType* FindGgmlType(std::string_view name);

// The types that llama-server takes for --cache-type-k and --cache-type-v.
bool IsCacheType(const GgmlType& type);

// Bytes of one row of `elements`; nullopt when the block size does not divide it, or on overflow.
std::optional<uint64_t> RowBytes(const GgmlType& type, uint64_t elements);

// Name of general.file_type (enum llama_ftype, include/llama.h): 15 -> "Q4_K_M"; "" if unknown.
std::string_view FileTypeName(uint64_t file_type);

}  // namespace headroom::estimator

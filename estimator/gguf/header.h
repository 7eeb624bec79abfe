// What a GGUF header says, without the vocabulary: metadata values, tensor infos, sizes.
// Plain values; a header of a 250,000-token model takes O(tensors) memory.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "estimator/gguf/ggml_type.h"

namespace headroom::estimator {

// Value types of the format; the numbers are those in the file.
enum class GgufType : uint32_t {
  kUint8,
  kInt8,
  kUint16,
  kInt16,
  kUint32,
  kInt32,
  kFloat32,
  kBool,
  kString,
  kArray,
  kUint64,
  kInt64,
  kFloat64,
};
std::string_view ToString(GgufType type);

// An array keeps its length always, its numbers only up to GgufLimits::kept_array, never strings.
struct GgufArray {
  GgufType element = GgufType::kUint8;
  uint64_t length = 0;
  std::vector<int64_t> ints = {};   // integer and bool elements
  std::vector<double> floats = {};  // float elements
  bool kept() const { return ints.size() + floats.size() == length; }
};

// A long string keeps its first GgufLimits::kept_string bytes; `length` is the true length.
struct GgufString {
  std::string text = {};
  uint64_t length = 0;
};

struct GgufValue {
  GgufType type = GgufType::kUint8;
  std::variant<uint64_t, int64_t, double, bool, GgufString, GgufArray> value = {};

  std::optional<uint64_t> AsUint() const;  // any non-negative integer or bool
  std::optional<int64_t> AsInt() const;
  std::optional<double> AsDouble() const;  // any number
  std::optional<bool> AsBool() const;
  const std::string* AsString() const;  // nullptr if it is no string
  const GgufArray* AsArray() const;     // nullptr if it is no array
  // For people: strings cut to `max` characters, "array of 128256 string" for arrays.
  std::string Print(size_t max = 60) const;
};

struct GgufTensor {
  std::string name = {};
  std::array<uint64_t, 4> dims = {1, 1, 1, 1};
  uint32_t n_dims = 0;
  const GgmlType* type = nullptr;  // never null in a finished header
  uint64_t offset = 0;             // from GgufHeader::data_offset
  uint64_t nbytes = 0;
};

struct GgufHeader {
  uint32_t version = 0;
  std::map<std::string, GgufValue, std::less<>> metadata = {};
  std::vector<GgufTensor> tensors = {};
  uint64_t header_bytes = 0;  // magic to the end of the last tensor info
  uint64_t alignment = 32;
  uint64_t data_offset = 0;  // header_bytes padded to alignment
  uint64_t data_bytes = 0;   // end of the last tensor, from data_offset

  const GgufValue* Find(std::string_view key) const;  // nullptr if absent
  std::optional<uint64_t> Uint(std::string_view key) const;
  std::optional<double> Double(std::string_view key) const;
  std::optional<bool> Bool(std::string_view key) const;
  std::string String(std::string_view key) const;         // "" if absent
  const GgufTensor* Tensor(std::string_view name) const;  // linear; nullptr if absent
  // What a complete file must have at least: data_offset + data_bytes.
  uint64_t MinFileBytes() const {
    return data_bytes == 0 ? header_bytes : data_offset + data_bytes;
  }
};

}  // namespace headroom::estimator

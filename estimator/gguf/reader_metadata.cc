// The metadata half of GgufReader: keys, scalars, strings, arrays.
#include <algorithm>
#include <cstring>

#include "common/checked.h"
#include "estimator/gguf/cursor.h"
#include "estimator/gguf/reader.h"

namespace headroom::estimator {
namespace {

// Bytes of one number of that type; 0 for strings, arrays and unknown types.
uint64_t NumberBytes(GgufType type) {
  switch (type) {
    case GgufType::kUint8:
    case GgufType::kInt8:
    case GgufType::kBool: return 1;
    case GgufType::kUint16:
    case GgufType::kInt16: return 2;
    case GgufType::kUint32:
    case GgufType::kInt32:
    case GgufType::kFloat32: return 4;
    case GgufType::kUint64:
    case GgufType::kInt64:
    case GgufType::kFloat64: return 8;
    case GgufType::kString:
    case GgufType::kArray: return 0;
  }
  return 0;
}

bool IsFloat(GgufType type) { return type == GgufType::kFloat32 || type == GgufType::kFloat64; }

template <class T>
T Load(std::string_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

double LoadFloat(GgufType type, std::string_view bytes) {
  return type == GgufType::kFloat32 ? static_cast<double>(Load<float>(bytes)) : Load<double>(bytes);
}

int64_t LoadInt(GgufType type, std::string_view bytes) {
  switch (type) {
    case GgufType::kUint8:
    case GgufType::kBool: return Load<uint8_t>(bytes);
    case GgufType::kInt8: return Load<int8_t>(bytes);
    case GgufType::kUint16: return Load<uint16_t>(bytes);
    case GgufType::kInt16: return Load<int16_t>(bytes);
    case GgufType::kUint32: return Load<uint32_t>(bytes);
    case GgufType::kInt32: return Load<int32_t>(bytes);
    default: return Load<int64_t>(bytes);
  }
}

}  // namespace

Result<bool> GgufReader::ReadKeyAndValue(Cursor& in) {
  uint64_t length = 0;
  if (!in.Take(length)) return false;
  if (length == 0 || length > limits_.key_bytes) {
    return Bad(Code::kInvalid, "key length " + std::to_string(length) + " is not 1 to " +
                                   std::to_string(limits_.key_bytes));
  }
  std::string_view key;
  uint32_t type = 0;
  if (!in.TakeText(length, key) || !in.Take(type)) return false;
  if (type > static_cast<uint32_t>(GgufType::kFloat64)) {
    return Bad(Code::kInvalid, "value type " + std::to_string(type) + " is unknown");
  }
  key_.assign(key);
  if (header_.metadata.contains(key)) {
    return Bad(Code::kInvalid, "key '" + key_ + "' appears twice");
  }
  GgufValue value;
  value.type = static_cast<GgufType>(type);
  if (value.type == GgufType::kArray) {
    step_ = Step::kArrayHead;
    return true;
  }
  if (value.type == GgufType::kString) return ReadString(in, value);
  return ReadScalar(in, value);
}

Result<bool> GgufReader::ReadScalar(Cursor& in, GgufValue& value) {
  std::string_view bytes;
  if (!in.TakeText(NumberBytes(value.type), bytes)) return false;
  if (IsFloat(value.type)) {
    value.value = LoadFloat(value.type, bytes);
  } else if (value.type == GgufType::kBool) {
    value.value = bytes[0] != 0;
  } else if (value.type == GgufType::kUint64) {
    value.value = Load<uint64_t>(bytes);
  } else {
    const int64_t number = LoadInt(value.type, bytes);
    if (number < 0) {
      value.value = number;
    } else {
      value.value = static_cast<uint64_t>(number);
    }
  }
  return Store(std::move(value));
}

Result<bool> GgufReader::ReadString(Cursor& in, GgufValue& value) {
  uint64_t length = 0;
  if (!in.Take(length)) return false;
  if (length > limits_.string_bytes || !Fits(length, 1)) {
    return Bad(Code::kTooLarge, "string of " + std::to_string(length) + " bytes cannot be");
  }
  std::string_view text;
  const uint64_t kept = std::min(length, limits_.kept_string);
  if (!in.TakeText(kept, text)) return false;
  in.Jump(length - kept);
  value.value = GgufString{std::string(text), length};
  return Store(std::move(value));
}

Result<bool> GgufReader::ReadArrayHead(Cursor& in) {
  uint32_t type = 0;
  GgufArray array;
  if (!in.Take(type) || !in.Take(array.length)) return false;
  array.element = static_cast<GgufType>(type);
  if (type > static_cast<uint32_t>(GgufType::kFloat64) || array.element == GgufType::kArray) {
    return Bad(Code::kInvalid, "array of type " + std::to_string(type) + " is not allowed");
  }
  // A string takes at least its 8 length bytes.
  const uint64_t each = std::max<uint64_t>(NumberBytes(array.element), 1);
  const bool strings = array.element == GgufType::kString;
  if (array.length > limits_.array_length || !Fits(array.length, strings ? 8 : each)) {
    return Bad(Code::kTooLarge, "array of " + std::to_string(array.length) + " cannot be");
  }
  if (!strings) return ReadNumbers(in, std::move(array));
  array_ = std::move(array);
  strings_left_ = array_.length;
  step_ = Step::kStrings;
  return true;
}

Result<bool> GgufReader::ReadNumbers(Cursor& in, GgufArray array) {
  const uint64_t each = NumberBytes(array.element);
  if (array.length > limits_.kept_array) {
    in.Jump(array.length * each);  // no overflow: both are limited
  } else {
    std::string_view bytes;
    if (!in.TakeText(array.length * each, bytes)) return false;
    for (; !bytes.empty(); bytes.remove_prefix(each)) {
      if (IsFloat(array.element)) {
        array.floats.push_back(LoadFloat(array.element, bytes));
      } else {
        array.ints.push_back(LoadInt(array.element, bytes));
      }
    }
  }
  return Store({GgufType::kArray, std::move(array)});
}

// The hot loop: half a million strings in a large header. Only their lengths are looked at.
Result<bool> GgufReader::ReadStrings(Cursor& in) {
  uint64_t length = 0;
  while (strings_left_ > 0) {
    if (!in.Take(length)) return false;
    if (length > limits_.string_bytes) {
      return Bad(Code::kTooLarge, "string of " + std::to_string(length) + " bytes cannot be");
    }
    in.Jump(length);
    --strings_left_;
  }
  return Store({GgufType::kArray, std::move(array_)});
}

Result<bool> GgufReader::Store(GgufValue value) {
  header_.metadata.emplace(key_, std::move(value));
  step_ = header_.metadata.size() < n_kv_ ? Step::kKey : Step::kTensor;
  return true;
}

}  // namespace headroom::estimator

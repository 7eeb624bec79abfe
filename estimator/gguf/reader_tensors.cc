// The tensor half of GgufReader: tensor infos and what follows from them.
#include <algorithm>
#include <bit>

#include "common/checked.h"
#include "estimator/gguf/cursor.h"
#include "estimator/gguf/reader.h"

namespace headroom::estimator {

Result<bool> GgufReader::ReadTensor(Cursor& in) {
  if (header_.tensors.size() == n_tensors_) {
    header_.header_bytes = position_ + in.position();
    if (auto ended = EndOfTensors(); !ended) return ended.error();
    return true;
  }
  uint64_t length = 0;
  if (!in.Take(length)) return false;
  if (length == 0 || length > limits_.name_bytes) {
    return Bad(Code::kInvalid, "name length " + std::to_string(length) + " is not 1 to " +
                                   std::to_string(limits_.name_bytes));
  }
  std::string_view name;
  GgufTensor tensor;
  if (!in.TakeText(length, name) || !in.Take(tensor.n_dims)) return false;
  tensor.name.assign(name);
  const std::string place = "'" + tensor.name + "': ";
  if (tensor.n_dims > tensor.dims.size()) {
    return Bad(Code::kInvalid, place + std::to_string(tensor.n_dims) + " dimensions, at most 4");
  }
  for (uint32_t i = 0; i < tensor.n_dims; ++i) {
    if (!in.Take(tensor.dims[i])) return false;
  }
  uint32_t type = 0;
  if (!in.Take(type) || !in.Take(tensor.offset)) return false;
  if (auto checked = CheckTensor(tensor, type, place); !checked) return checked.error();
  header_.tensors.push_back(std::move(tensor));
  return true;
}

Result<void> GgufReader::CheckTensor(GgufTensor& tensor, uint32_t type,
                                     std::string_view place) const {
  const std::string at(place);
  tensor.type = FindGgmlType(type);
  if (tensor.type == nullptr) {
    return Bad(Code::kUnsupported, at + "type " + std::to_string(type) +
                                       " is unknown (or removed from ggml); requantise the model");
  }
  auto bytes = RowBytes(*tensor.type, tensor.dims[0]);
  if (!bytes) {
    return Bad(Code::kInvalid, at + "row of " + std::to_string(tensor.dims[0]) +
                                   " elements is no multiple of the " +
                                   std::to_string(tensor.type->block_elements) + " of " +
                                   std::string(tensor.type->name));
  }
  for (size_t i = 1; i < tensor.dims.size() && bytes; ++i) {
    bytes = CheckedMul(*bytes, tensor.dims[i]);
  }
  // 2^60 keeps every later sum and padding free of overflow.
  if (!bytes || *bytes > (uint64_t{1} << 60)) return Bad(Code::kInvalid, at + "size overflows");
  tensor.nbytes = *bytes;
  if (tensor.offset > (uint64_t{1} << 60)) {
    return Bad(Code::kInvalid, at + "offset " + std::to_string(tensor.offset) + " is out of range");
  }
  return {};
}

Result<void> GgufReader::EndOfTensors() {
  if (const GgufValue* value = header_.Find("general.alignment")) {
    const auto alignment = value->AsUint();
    if (!alignment || *alignment > limits_.alignment || !std::has_single_bit(*alignment)) {
      return Error(Code::kInvalid, "metadata 'general.alignment': expected a power of two up to " +
                                       std::to_string(limits_.alignment) + ", found " +
                                       value->Print());
    }
    header_.alignment = *alignment;
  }
  std::vector<std::string_view> names;
  names.reserve(header_.tensors.size());
  for (const GgufTensor& tensor : header_.tensors) {
    if (tensor.offset % header_.alignment != 0) {
      return Error(Code::kInvalid, "tensor '" + tensor.name + "': offset " +
                                       std::to_string(tensor.offset) + " is not aligned to " +
                                       std::to_string(header_.alignment));
    }
    header_.data_bytes = std::max(header_.data_bytes, tensor.offset + tensor.nbytes);
    names.push_back(tensor.name);
  }
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) {
    return Error(Code::kInvalid, "tensor '" + std::string(*twice) + "' appears twice");
  }
  header_.data_offset = PadUp(header_.header_bytes, header_.alignment);
  step_ = Step::kDone;
  return {};
}

}  // namespace headroom::estimator

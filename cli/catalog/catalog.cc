#include "cli/catalog/catalog.h"

#include <algorithm>
#include <charconv>

#include "common/checked.h"

namespace headroom::cli {
namespace {

using estimator::GgufArray;
using estimator::GgufHeader;
using estimator::GgufString;
using estimator::GgufTensor;
using estimator::GgufType;
using estimator::GgufValue;

// An entry a line: hyper-parameters under the keys that GGUF has, and [tensor, type, shape,
// layers].
constexpr char kModels[] =
#include "cli/catalog/models.inc"
    ;

constexpr uint64_t kAlignment = 32;

const Json& Entries() {
  static const Json entries = ParseJson(kModels).value();
  return entries;
}

const Json* FindEntry(std::string_view name) {
  for (const Json& entry : *Entries().AsArray()) {
    if (StringOr(entry, {"name"}) == name) return &entry;
  }
  return nullptr;
}

GgufArray ArrayOf(const Json::Array& items) {
  GgufArray array;
  array.length = items.size();
  for (const Json& item : items) {
    const bool* flag = item.AsBool();
    const auto number = item.AsInt();
    if (flag != nullptr) {
      array.element = GgufType::kBool;
      array.ints.push_back(*flag ? 1 : 0);
    } else if (number && !item.IsReal()) {
      array.element = GgufType::kInt32;
      array.ints.push_back(*number);
    } else {
      array.element = GgufType::kFloat32;
      array.floats.push_back(item.AsDouble().value_or(0));
    }
  }
  return array;
}

GgufValue ValueOf(const Json& value) {
  if (const std::string* text = value.AsString()) {
    return {GgufType::kString, GgufString{*text, text->size()}};
  }
  if (const bool* flag = value.AsBool()) return {GgufType::kBool, *flag};
  if (const Json::Array* items = value.AsArray()) return {GgufType::kArray, ArrayOf(*items)};
  if (value.IsObject()) {  // of a vocabulary only the length is kept
    GgufArray array;
    array.element = GgufType::kString;
    array.length = static_cast<uint64_t>(IntOr(value, {"length"}, 0));
    return {GgufType::kArray, std::move(array)};
  }
  if (value.IsReal()) return {GgufType::kFloat32, value.AsDouble().value_or(0)};
  return {GgufType::kUint32, value.AsUint().value_or(0)};
}

// "0-4,7" -> 0, 1, 2, 3, 4, 7.
Result<std::vector<uint32_t>> Layers(std::string_view text) {
  std::vector<uint32_t> out;
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(item.size() + 1, text.size()));
    uint32_t first = 0, last = 0;
    const char* end = item.data() + item.size();
    auto read = std::from_chars(item.data(), end, first);
    last = first;
    if (read.ec == std::errc() && read.ptr != end) read = std::from_chars(read.ptr + 1, end, last);
    if (read.ec != std::errc() || read.ptr != end || last < first || last > 4096) {
      return Error(Code::kInvalid, "layers '" + std::string(item) + "': expected N or N-M");
    }
    for (uint32_t layer = first; layer <= last; ++layer) out.push_back(layer);
  }
  return out;
}

Result<GgufTensor> TensorOf(const Json::Array& row) {
  GgufTensor tensor;
  const std::string* name = row.size() >= 3 ? row[0].AsString() : nullptr;
  const std::string* type = row.size() >= 3 ? row[1].AsString() : nullptr;
  const Json::Array* dims = row.size() >= 3 ? row[2].AsArray() : nullptr;
  if (name == nullptr || type == nullptr || dims == nullptr || dims->empty() || dims->size() > 4) {
    return Error(Code::kInvalid, "expected [name, type, [dims], layers]");
  }
  tensor.name = *name;
  tensor.type = estimator::FindGgmlType(*type);
  if (tensor.type == nullptr) return Error(Code::kInvalid, "type " + *type + " is unknown");
  tensor.n_dims = static_cast<uint32_t>(dims->size());
  for (size_t i = 0; i < dims->size(); ++i) tensor.dims[i] = (*dims)[i].AsUint().value_or(0);
  auto bytes = estimator::RowBytes(*tensor.type, tensor.dims[0]);
  for (size_t i = 1; i < 4 && bytes; ++i) bytes = CheckedMul(*bytes, tensor.dims[i]);
  if (!bytes) return Error(Code::kInvalid, *name + ": its shape is no whole number of blocks");
  tensor.nbytes = *bytes;
  return tensor;
}

Result<void> AddTensors(const Json::Array& row, GgufHeader& header) {
  auto tensor = TensorOf(row);
  if (!tensor) return tensor.error();
  const auto add = [&header](GgufTensor one) {
    one.offset = header.data_bytes;
    header.data_bytes = PadUp(header.data_bytes + one.nbytes, kAlignment);
    header.tensors.push_back(std::move(one));
  };
  const size_t star = tensor->name.find('*');
  if (star == std::string::npos) {
    add(std::move(*tensor));
    return {};
  }
  const std::string* layers = row.size() == 4 ? row[3].AsString() : nullptr;
  const auto numbers = Layers(layers != nullptr ? *layers : "");
  if (!numbers) return numbers.error();
  for (const uint32_t layer : *numbers) {
    GgufTensor one = *tensor;
    one.name.replace(star, 1, std::to_string(layer));
    add(std::move(one));
  }
  return {};
}

}  // namespace

Result<GgufHeader> HeaderOfEntry(const Json& entry) {
  GgufHeader header;
  header.version = 3;
  header.alignment = kAlignment;
  header.header_bytes = static_cast<uint64_t>(IntOr(entry, {"headerBytes"}, 0));
  header.data_offset = PadUp(header.header_bytes, kAlignment);
  const Json* metadata = entry.Find("metadata");
  const Json* tensors = entry.Find("tensors");
  if (metadata == nullptr || !metadata->IsObject() || tensors == nullptr || !tensors->IsArray()) {
    return Error(Code::kInvalid, "expected metadata and tensors");
  }
  for (const auto& [key, value] : *metadata->AsObject()) header.metadata[key] = ValueOf(value);
  for (const Json& row : *tensors->AsArray()) {
    if (row.AsArray() == nullptr) return Error(Code::kInvalid, "tensors: expected arrays");
    if (auto added = AddTensors(*row.AsArray(), header); !added) return added.error();
  }
  return header;
}

const std::vector<std::string>& CatalogNames() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out;
    for (const Json& entry : *Entries().AsArray()) out.push_back(StringOr(entry, {"name"}));
    std::sort(out.begin(), out.end());
    return out;
  }();
  return names;
}

Result<estimator::ModelFile> CatalogModel(std::string_view name) {
  const Json* entry = FindEntry(name);
  if (entry == nullptr) {
    std::string near;
    for (const std::string& known : CatalogNames()) {
      if (!known.starts_with(name.substr(0, 4))) continue;
      near += (near.empty() ? "; there are " : ", ") + known;
    }
    return Error(Code::kNotFound, "'" + std::string(name) + "' is not in the catalogue" +
                                      (near.empty() ? "; headroom catalog list names all" : near));
  }
  const auto header = HeaderOfEntry(*entry);
  if (!header) return header.error().Within("catalogue: " + std::string(name));
  return estimator::DescribeModel({*header},
                                  static_cast<uint64_t>(IntOr(*entry, {"fileBytes"}, 0)));
}

}  // namespace headroom::cli

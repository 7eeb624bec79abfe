#include "cli/inspect_facts.h"

#include <algorithm>
#include <map>

#include "estimator/gguf/ggml_type.h"

namespace headroom::cli {
namespace {

using estimator::GgufHeader;
using estimator::GgufTensor;
using estimator::GgufValue;

uint64_t Elements(const GgufTensor& tensor) {
  return tensor.dims[0] * tensor.dims[1] * tensor.dims[2] * tensor.dims[3];
}

// Numbers and texts as they are; of arrays what kind and how long (or their items, if few).
Json ValueJson(const GgufValue& value) {
  if (const auto* text = value.AsString()) return Json(*text);
  if (const auto* flag = std::get_if<bool>(&value.value)) return Json(*flag);
  if (const auto* array = value.AsArray()) {
    constexpr uint64_t kFew = 512;  // per-layer arrays
    if (array->kept() && array->length <= kFew) {
      Json items = Json::MakeArray();
      for (int64_t item : array->ints) items.Append(item);
      for (double item : array->floats) items.Append(item);
      return items;
    }
    Json out = Json::MakeObject();
    out.Set("array_of", ToString(array->element));
    out.Set("length", array->length);
    return out;
  }
  if (const auto unsigned_number = value.AsUint()) return Json(*unsigned_number);
  if (const auto number = value.AsInt()) return Json(*number);
  return Json(value.AsDouble().value_or(0));
}

Json TensorJson(const GgufTensor& tensor) {
  Json out = Json::MakeObject();
  out.Set("name", tensor.name);
  out.Set("type", tensor.type->name);
  Json dims = Json::MakeArray();
  for (uint32_t i = 0; i < tensor.n_dims; ++i) dims.Append(tensor.dims[i]);
  out.Set("shape", std::move(dims));
  out.Set("bytes", tensor.nbytes);
  return out;
}

}  // namespace

uint64_t InspectFacts::HeaderBytes() const {
  uint64_t sum = 0;
  for (const GgufHeader& part : parts) sum += part.header_bytes;
  return sum;
}

uint64_t InspectFacts::TensorCount() const {
  uint64_t sum = 0;
  for (const TypeShare& type : types) sum += type.tensors;
  return sum;
}

uint64_t InspectFacts::Parameters() const {
  uint64_t sum = 0;
  for (const TypeShare& type : types) sum += type.elements;
  return sum;
}

double InspectFacts::BitsPerWeight() const {
  uint64_t bytes = 0;
  for (const TypeShare& type : types) bytes += type.bytes;
  const uint64_t parameters = Parameters();
  return parameters == 0 ? 0 : 8.0 * static_cast<double>(bytes) / static_cast<double>(parameters);
}

InspectFacts GatherFacts(std::string source, std::vector<GgufHeader> parts, uint64_t file_bytes,
                         uint64_t bytes_read) {
  InspectFacts facts{std::move(source), std::move(parts), file_bytes, bytes_read, {}};
  std::map<std::string_view, TypeShare> shares;
  for (const GgufHeader& part : facts.parts) {
    for (const GgufTensor& tensor : part.tensors) {
      TypeShare& share = shares[tensor.type->name];
      share.type = tensor.type->name;
      share.tensors += 1;
      share.elements += Elements(tensor);
      share.bytes += tensor.nbytes;
    }
  }
  for (const auto& [type, share] : shares) facts.types.push_back(share);
  std::stable_sort(facts.types.begin(), facts.types.end(),
                   [](const TypeShare& a, const TypeShare& b) { return a.bytes > b.bytes; });
  return facts;
}

Json ToJson(const InspectFacts& facts, const InspectView& view) {
  const GgufHeader& first = facts.parts.front();
  Json out = Json::MakeObject();
  out.Set("source", facts.source);
  out.Set("gguf_version", uint64_t{first.version});
  out.Set("architecture", first.String("general.architecture"));
  out.Set("name", first.String("general.name"));
  const auto file_type = first.Uint("general.file_type");
  out.Set("quantization", file_type ? estimator::FileTypeName(*file_type) : "");
  out.Set("files", facts.parts.size());
  out.Set("file_bytes", facts.file_bytes);
  out.Set("header_bytes", facts.HeaderBytes());
  out.Set("bytes_read", facts.bytes_read);
  out.Set("tensor_count", facts.TensorCount());
  out.Set("parameters", facts.Parameters());
  out.Set("bits_per_weight", facts.BitsPerWeight());
  out.Set("chat_template", first.Find("tokenizer.chat_template") != nullptr);
  Json types = Json::MakeArray();
  for (const TypeShare& share : facts.types) {
    Json one = Json::MakeObject();
    one.Set("type", share.type);
    one.Set("tensors", share.tensors);
    one.Set("parameters", share.elements);
    one.Set("bytes", share.bytes);
    types.Append(std::move(one));
  }
  out.Set("types", std::move(types));
  Json metadata = Json::MakeObject();
  for (const auto& [key, value] : first.metadata) metadata.Set(key, ValueJson(value));
  out.Set("metadata", std::move(metadata));
  if (!view.tensors) return out;
  Json tensors = Json::MakeArray();
  for (const GgufHeader& part : facts.parts) {
    for (const GgufTensor& tensor : part.tensors) tensors.Append(TensorJson(tensor));
  }
  out.Set("tensors", std::move(tensors));
  return out;
}

}  // namespace headroom::cli

#include "estimator/gguf/header.h"

#include <algorithm>
#include <cstdio>

namespace headroom::estimator {

std::string_view ToString(GgufType type) {
  constexpr std::string_view kNames[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                         "bool", "string", "array", "u64", "i64", "f64"};
  const auto i = static_cast<size_t>(type);
  return i < std::size(kNames) ? kNames[i] : "?";
}

std::optional<uint64_t> GgufValue::AsUint() const {
  if (const auto* u = std::get_if<uint64_t>(&value)) return *u;
  if (const auto* b = std::get_if<bool>(&value)) return *b ? 1 : 0;
  const auto* i = std::get_if<int64_t>(&value);
  if (i == nullptr || *i < 0) return std::nullopt;
  return static_cast<uint64_t>(*i);
}

std::optional<int64_t> GgufValue::AsInt() const {
  if (const auto* i = std::get_if<int64_t>(&value)) return *i;
  const auto u = AsUint();
  if (!u || *u > INT64_MAX) return std::nullopt;
  return static_cast<int64_t>(*u);
}

std::optional<double> GgufValue::AsDouble() const {
  if (const auto* d = std::get_if<double>(&value)) return *d;
  if (const auto* i = std::get_if<int64_t>(&value)) return static_cast<double>(*i);
  if (const auto* u = std::get_if<uint64_t>(&value)) return static_cast<double>(*u);
  return std::nullopt;
}

std::optional<bool> GgufValue::AsBool() const {
  if (const auto* b = std::get_if<bool>(&value)) return *b;
  const auto u = AsUint();
  if (!u) return std::nullopt;
  return *u != 0;
}

const std::string* GgufValue::AsString() const {
  const auto* s = std::get_if<GgufString>(&value);
  return s == nullptr ? nullptr : &s->text;
}

const GgufArray* GgufValue::AsArray() const { return std::get_if<GgufArray>(&value); }

namespace {

std::string PrintNumber(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

std::string PrintString(const GgufString& s, size_t max) {
  std::string out;
  for (char c : s.text.substr(0, max)) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7f ? ' ' : c;  // keeps listings to one line
  }
  if (s.length > max) out += "... (" + std::to_string(s.length) + " bytes)";
  return out;
}

std::string PrintArray(const GgufArray& array, size_t max) {
  std::string head =
      "array of " + std::to_string(array.length) + " " + std::string(ToString(array.element));
  if (!array.kept() || array.length == 0) return head;
  std::string items;
  for (size_t i = 0; i < array.length && items.size() < max; ++i) {
    items += i == 0 ? "" : ", ";
    items += array.ints.empty() ? PrintNumber(array.floats[i]) : std::to_string(array.ints[i]);
  }
  return items.size() < max ? head + " [" + items + "]" : head + " [" + items + ", ...]";
}

}  // namespace

std::string GgufValue::Print(size_t max) const {
  if (const auto* u = std::get_if<uint64_t>(&value)) return std::to_string(*u);
  if (const auto* i = std::get_if<int64_t>(&value)) return std::to_string(*i);
  if (const auto* d = std::get_if<double>(&value)) return PrintNumber(*d);
  if (const auto* b = std::get_if<bool>(&value)) return *b ? "true" : "false";
  if (const auto* s = std::get_if<GgufString>(&value)) return PrintString(*s, max);
  return PrintArray(std::get<GgufArray>(value), max);
}

const GgufValue* GgufHeader::Find(std::string_view key) const {
  const auto it = metadata.find(key);
  return it == metadata.end() ? nullptr : &it->second;
}

std::optional<uint64_t> GgufHeader::Uint(std::string_view key) const {
  const GgufValue* value = Find(key);
  return value == nullptr ? std::nullopt : value->AsUint();
}

std::optional<double> GgufHeader::Double(std::string_view key) const {
  const GgufValue* value = Find(key);
  return value == nullptr ? std::nullopt : value->AsDouble();
}

std::optional<bool> GgufHeader::Bool(std::string_view key) const {
  const GgufValue* value = Find(key);
  return value == nullptr ? std::nullopt : value->AsBool();
}

std::string GgufHeader::String(std::string_view key) const {
  const GgufValue* value = Find(key);
  const std::string* text = value == nullptr ? nullptr : value->AsString();
  return text == nullptr ? "" : *text;
}

const GgufTensor* GgufHeader::Tensor(std::string_view name) const {
  const auto it = std::find_if(tensors.begin(), tensors.end(),
                               [name](const GgufTensor& tensor) { return tensor.name == name; });
  return it == tensors.end() ? nullptr : &*it;
}

}  // namespace headroom::estimator

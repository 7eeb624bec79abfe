// Json: the one value type for JSON and YAML, kept in document order so that what we do not know is
// written back as it was. Parsing is iterative (RapidJSON SAX) with a depth and size cap, so
// hostile nesting cannot exhaust the stack; the destructor is bounded by the same depth cap.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "common/result.h"

namespace headroom {

class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;  // document order; Set() keeps names unique

  Json() = default;  // null
  Json(std::nullptr_t) {}
  // Exactly bool, so that a pointer does not become `true`.
  template <std::same_as<bool> T>
  Json(T value) : value_(value) {}
  // Every integer type of every platform; kept as int64_t wherever it fits.
  template <std::integral T>
  requires(!std::same_as<T, bool>) Json(T value) {
    if constexpr (std::is_unsigned_v<T>) {
      StoreUnsigned(value);
    } else {
      value_ = static_cast<int64_t>(value);
    }
  }
  Json(double value) : value_(value) {}
  Json(const char* value) : value_(std::string(value)) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(Array value) : value_(std::move(value)) {}
  Json(Object value) : value_(std::move(value)) {}
  static Json MakeObject() { return Json(Object{}); }
  static Json MakeArray() { return Json(Array{}); }

  bool IsNull() const { return std::holds_alternative<std::monostate>(value_); }
  bool IsObject() const { return std::holds_alternative<Object>(value_); }
  bool IsArray() const { return std::holds_alternative<Array>(value_); }
  bool IsString() const { return std::holds_alternative<std::string>(value_); }

  // Typed views; nullptr / nullopt when the value is of another type. Integers are accepted as
  // doubles, and doubles without a fraction as integers.
  const bool* AsBool() const { return std::get_if<bool>(&value_); }
  const std::string* AsString() const { return std::get_if<std::string>(&value_); }
  const Array* AsArray() const { return std::get_if<Array>(&value_); }
  const Object* AsObject() const { return std::get_if<Object>(&value_); }
  Array* AsArray() { return std::get_if<Array>(&value_); }
  Object* AsObject() { return std::get_if<Object>(&value_); }
  std::optional<int64_t> AsInt() const;
  std::optional<uint64_t> AsUint() const;
  std::optional<double> AsDouble() const;
  bool IsReal() const { return std::holds_alternative<double>(value_); }  // written with a point

  // Member by name, or by a path of names; nullptr when a step is missing or no object.
  const Json* Find(std::string_view name) const;
  const Json* Find(std::initializer_list<std::string_view> path) const;

  // Adds or replaces a member; a null value becomes an empty object first. Returns the member.
  Json& Set(std::string_view name, Json value);
  // Member by path, made (as objects) where missing.
  Json& Make(std::initializer_list<std::string_view> path);
  void Remove(std::string_view name);
  void Append(Json value);  // a null value becomes an empty array first

  // "object", "array", "string", "number", "boolean", "null": for error texts.
  std::string_view TypeName() const;

  friend bool operator==(const Json&, const Json&) = default;

 private:
  void StoreUnsigned(uint64_t value);

  std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string, Array, Object> value_;
};

struct JsonLimits {
  size_t max_depth = 256;        // deeper input is refused; Kubernetes objects stay below 50
  size_t max_bytes = 64u << 20;  // of input text
};

// Strict RFC 8259 with duplicate names resolved to the last; errors carry the byte offset.
Result<Json> ParseJson(std::string_view text, JsonLimits limits = {});

std::string WriteJson(const Json& value);        // compact
std::string WriteJsonPretty(const Json& value);  // two spaces, trailing newline

// Path getters: a missing (or null) member is nullopt; a member of the wrong type is an error that
// names the path: "spec.contextSize: expected an integer, found string".
using JsonPath = std::initializer_list<std::string_view>;
Result<std::optional<std::string>> GetString(const Json& object, JsonPath path);
Result<std::optional<int64_t>> GetInt(const Json& object, JsonPath path);
Result<std::optional<double>> GetDouble(const Json& object, JsonPath path);
Result<std::optional<bool>> GetBool(const Json& object, JsonPath path);
Result<std::vector<std::string>> GetStrings(const Json& object, JsonPath path);  // missing = empty

// Lenient forms for data that others wrote and that must never stop us: wrong type = missing.
std::string StringOr(const Json& object, JsonPath path, std::string_view fallback = "");
int64_t IntOr(const Json& object, JsonPath path, int64_t fallback);
bool BoolOr(const Json& object, JsonPath path, bool fallback);

// RFC 7396 merge patch, as the API server applies application/merge-patch+json.
void MergePatch(Json& target, const Json& patch);

}  // namespace headroom

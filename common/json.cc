#include "common/json.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace headroom {
namespace {

// 2^63 and 2^64 as doubles: the first values that no longer fit.
constexpr double kInt64End = 9223372036854775808.0;
constexpr double kUint64End = 18446744073709551616.0;

bool IsWhole(double value) { return std::isfinite(value) && std::trunc(value) == value; }

}  // namespace

void Json::StoreUnsigned(uint64_t value) {
  if (value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    value_ = static_cast<int64_t>(value);
  } else {
    value_ = value;
  }
}

std::optional<int64_t> Json::AsInt() const {
  if (const auto* value = std::get_if<int64_t>(&value_)) return *value;
  const auto* real = std::get_if<double>(&value_);
  if (real && IsWhole(*real) && *real >= -kInt64End && *real < kInt64End) {
    return static_cast<int64_t>(*real);
  }
  return std::nullopt;
}

std::optional<uint64_t> Json::AsUint() const {
  if (const auto* value = std::get_if<uint64_t>(&value_)) return *value;
  if (const auto* value = std::get_if<int64_t>(&value_)) {
    if (*value < 0) return std::nullopt;
    return static_cast<uint64_t>(*value);
  }
  const auto* real = std::get_if<double>(&value_);
  if (real && IsWhole(*real) && *real >= 0 && *real < kUint64End) {
    return static_cast<uint64_t>(*real);
  }
  return std::nullopt;
}

std::optional<double> Json::AsDouble() const {
  if (const auto* value = std::get_if<double>(&value_)) return *value;
  if (const auto* value = std::get_if<int64_t>(&value_)) return static_cast<double>(*value);
  if (const auto* value = std::get_if<uint64_t>(&value_)) return static_cast<double>(*value);
  return std::nullopt;
}

const Json* Json::Find(std::string_view name) const {
  const Object* object = AsObject();
  if (!object) return nullptr;
  for (const Member& member : *object) {
    if (member.first == name) return &member.second;
  }
  return nullptr;
}

const Json* Json::Find(std::initializer_list<std::string_view> path) const {
  const Json* at = this;
  for (std::string_view name : path) {
    at = at->Find(name);
    if (!at) return nullptr;
  }
  return at;
}

Json& Json::Set(std::string_view name, Json value) {
  if (!IsObject()) value_ = Object{};
  Object& object = *AsObject();
  for (Member& member : object) {
    if (member.first == name) {
      member.second = std::move(value);
      return member.second;
    }
  }
  return object.emplace_back(std::string(name), std::move(value)).second;
}

Json& Json::Make(std::initializer_list<std::string_view> path) {
  Json* at = this;
  for (std::string_view name : path) {
    const Json* found = at->Find(name);
    at = found ? const_cast<Json*>(found) : &at->Set(name, MakeObject());
  }
  if (at->IsNull()) *at = MakeObject();
  return *at;
}

void Json::Remove(std::string_view name) {
  if (Object* object = AsObject()) {
    std::erase_if(*object, [name](const Member& member) { return member.first == name; });
  }
}

void Json::Append(Json value) {
  if (!IsArray()) value_ = Array{};
  AsArray()->push_back(std::move(value));
}

std::string_view Json::TypeName() const {
  if (IsNull()) return "null";
  if (IsObject()) return "object";
  if (IsArray()) return "array";
  if (IsString()) return "string";
  return AsBool() ? "boolean" : "number";
}

void MergePatch(Json& target, const Json& patch) {
  const Json::Object* changes = patch.AsObject();
  if (!changes) {
    target = patch;
    return;
  }
  if (!target.IsObject()) target = Json::MakeObject();
  for (const auto& [name, change] : *changes) {
    if (change.IsNull()) {
      target.Remove(name);
      continue;
    }
    const Json* old = target.Find(name);
    Json& member = old ? const_cast<Json&>(*old) : target.Set(name, nullptr);
    MergePatch(member, change);
  }
}

}  // namespace headroom

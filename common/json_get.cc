#include "common/json.h"

namespace headroom {
namespace {

// spec.contextSize, metadata.annotations[headroom.dev/node]: the form of Kubernetes field paths.
std::string PathText(JsonPath path, size_t count) {
  std::string text;
  for (auto name = path.begin(); name != path.begin() + count; ++name) {
    if (name->find_first_of("./") != std::string_view::npos) {
      text.append("[").append(*name).append("]");
    } else {
      if (!text.empty()) text += '.';
      text += *name;
    }
  }
  return text.empty() ? "value" : text;
}

Error WrongType(std::string_view where, std::string_view expected, const Json& found) {
  std::string kind(found.TypeName());
  if (expected == "an integer" && found.AsDouble()) kind = WriteJson(found);  // 1.5, 2^63 and up
  return Error(Code::kInvalid,
               std::string(where) + ": expected " + std::string(expected) + ", found " + kind);
}

// The member, nullptr when it (or a step to it) is missing or null.
Result<const Json*> Locate(const Json& object, JsonPath path) {
  const Json* at = &object;
  size_t step = 0;
  for (std::string_view name : path) {
    if (!at->IsObject()) return WrongType(PathText(path, step), "an object", *at);
    at = at->Find(name);
    if (!at || at->IsNull()) return nullptr;
    ++step;
  }
  return at;
}

template <class T, class Convert>
Result<std::optional<T>> Get(const Json& object, JsonPath path, std::string_view expected,
                             Convert convert) {
  if (object.IsNull()) return std::optional<T>();
  const auto found = Locate(object, path);
  if (!found) return found.error();
  if (!*found) return std::optional<T>();
  std::optional<T> value = convert(**found);
  if (!value) return WrongType(PathText(path, path.size()), expected, **found);
  return value;
}

std::optional<std::string> ToText(const Json& json) {
  const std::string* text = json.AsString();
  return text ? std::optional(*text) : std::nullopt;
}

std::optional<bool> ToBool(const Json& json) {
  const bool* flag = json.AsBool();
  return flag ? std::optional(*flag) : std::nullopt;
}

}  // namespace

Result<std::optional<std::string>> GetString(const Json& object, JsonPath path) {
  return Get<std::string>(object, path, "a string", ToText);
}

Result<std::optional<int64_t>> GetInt(const Json& object, JsonPath path) {
  return Get<int64_t>(object, path, "an integer", [](const Json& json) { return json.AsInt(); });
}

Result<std::optional<double>> GetDouble(const Json& object, JsonPath path) {
  return Get<double>(object, path, "a number", [](const Json& json) { return json.AsDouble(); });
}

Result<std::optional<bool>> GetBool(const Json& object, JsonPath path) {
  return Get<bool>(object, path, "a boolean", ToBool);
}

Result<std::vector<std::string>> GetStrings(const Json& object, JsonPath path) {
  std::vector<std::string> texts;
  if (object.IsNull()) return texts;
  const auto found = Locate(object, path);
  if (!found) return found.error();
  if (!*found) return texts;
  const std::string where = PathText(path, path.size());
  const Json::Array* array = (*found)->AsArray();
  if (!array) return WrongType(where, "an array of strings", **found);
  for (const Json& item : *array) {
    const std::string* text = item.AsString();
    if (!text) {
      return WrongType(where + "[" + std::to_string(texts.size()) + "]", "a string", item);
    }
    texts.push_back(*text);
  }
  return texts;
}

std::string StringOr(const Json& object, JsonPath path, std::string_view fallback) {
  const Json* found = object.Find(path);
  const std::string* text = found ? found->AsString() : nullptr;
  return text ? *text : std::string(fallback);
}

int64_t IntOr(const Json& object, JsonPath path, int64_t fallback) {
  const Json* found = object.Find(path);
  return found ? found->AsInt().value_or(fallback) : fallback;
}

bool BoolOr(const Json& object, JsonPath path, bool fallback) {
  const Json* found = object.Find(path);
  const bool* flag = found ? found->AsBool() : nullptr;
  return flag ? *flag : fallback;
}

}  // namespace headroom

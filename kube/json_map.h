// How lenient decoding reads maps of strings (labels, annotations, selectors). Internal to kube/.
#pragma once

#include <map>
#include <string>

#include "common/json.h"

namespace headroom::kube {

using StringMap = std::map<std::string, std::string, std::less<>>;

// A scalar as text: strings as they are, numbers and booleans as YAML users wrote them unquoted.
inline std::string ScalarText(const Json& value) {
  const std::string* text = value.AsString();
  return text != nullptr ? *text : WriteJson(value);
}

inline StringMap DecodeStringMap(const Json* object) {
  StringMap out;
  if (object == nullptr || object->AsObject() == nullptr) return out;
  for (const auto& [key, value] : *object->AsObject()) {
    if (!value.IsNull() && !value.IsObject() && !value.IsArray()) out[key] = ScalarText(value);
  }
  return out;
}

}  // namespace headroom::kube

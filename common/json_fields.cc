#include "common/json_fields.h"

namespace headroom {

JsonFields::JsonFields(std::initializer_list<std::string_view> paths) {
  for (const std::string_view path : paths) At(path);
}

JsonFields& JsonFields::At(std::string_view path) {
  const std::string_view name = path.substr(0, path.find('.'));
  JsonFields* found = const_cast<JsonFields*>(Find(name));
  if (found == nullptr) found = &members_.emplace_back(name, JsonFields()).second;
  return name.size() == path.size() ? *found : found->At(path.substr(name.size() + 1));
}

void JsonFields::Add(std::string_view path, const JsonFields& below) {
  JsonFields& at = At(path);
  for (const auto& [name, fields] : below.members_) at.Add(name, fields);
}

const JsonFields* JsonFields::Find(std::string_view name) const {
  for (const auto& [member, fields] : members_) {
    if (member == name) return &fields;
  }
  return nullptr;
}

}  // namespace headroom

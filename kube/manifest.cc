#include "kube/manifest.h"

#include "common/yaml.h"

namespace headroom::kube {
namespace {

std::string KeyOf(const Json& object) {
  return StringOr(object, {"kind"}) + "/" + StringOr(object, {"metadata", "namespace"}) + "/" +
         StringOr(object, {"metadata", "name"});
}

bool IsList(const Json& document, const std::string& kind) {
  return kind.ends_with("List") && document.Find("items") != nullptr &&
         document.Find("items")->IsArray();
}

Result<void> AddObject(Json object, const std::string& kind, std::vector<Json>& out) {
  if (!object.IsObject()) return Error(Code::kInvalid, "expected an object");
  if (kind.empty()) return Error(Code::kInvalid, "kind is missing");
  const std::string name = StringOr(object, {"metadata", "name"});
  if (name.empty()) return Error(Code::kInvalid, kind + ": metadata.name is missing");
  if (object.Find("kind") == nullptr) object.Set("kind", kind);
  if (kind != "Node" && StringOr(object, {"metadata", "namespace"}).empty()) {
    object.Make({"metadata"}).Set("namespace", "default");
  }
  out.push_back(std::move(object));
  return {};
}

Result<void> AddDocument(Json document, std::vector<Json>& out) {
  const std::string kind = StringOr(document, {"kind"});
  if (!IsList(document, kind)) return AddObject(std::move(document), kind, out);
  // A typed list ("NodeList") may leave the kind out of its items; a plain "List" may not.
  const std::string item_kind = kind.substr(0, kind.size() - 4);
  for (const Json& item : *document.Find("items")->AsArray()) {
    if (auto added = AddObject(item, StringOr(item, {"kind"}, item_kind), out); !added) {
      return added.error().Within("items");
    }
  }
  return {};
}

Result<std::vector<Json>> Documents(std::string_view text, std::string_view origin) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || text[first] != '{') return ParseYaml(text, origin);
  // Large JSON node lists take the fast reader; YAML flow style ("{a: b}") the other.
  auto json = ParseJson(text);
  if (!json) return ParseYaml(text, origin);
  return std::vector<Json>{std::move(*json)};
}

}  // namespace

Result<std::vector<Json>> ParseManifests(std::string_view text, std::string_view origin) {
  auto documents = Documents(text, origin);
  if (!documents) return documents.error();
  std::vector<Json> out;
  for (size_t i = 0; i < documents->size(); ++i) {
    if (auto added = AddDocument(std::move((*documents)[i]), out); !added) {
      return added.error().Within(std::string(origin) + ": document " + std::to_string(i + 1));
    }
  }
  return out;
}

std::vector<ObjectEvent> ObjectSet::Replace(std::vector<Json> objects) {
  std::map<std::string, Json> next;
  for (Json& object : objects) {
    std::string key = KeyOf(object);
    next.insert_or_assign(std::move(key), std::move(object));
  }
  std::vector<ObjectEvent> events;
  for (const auto& [key, object] : next) {
    const auto known = objects_.find(key);
    if (known == objects_.end() || !(known->second == object)) {
      events.push_back({ObjectEvent::Type::kUpsert, object});
    }
  }
  for (auto& [key, object] : objects_) {
    if (next.count(key) == 0) events.push_back({ObjectEvent::Type::kDelete, std::move(object)});
  }
  objects_ = std::move(next);
  return events;
}

}  // namespace headroom::kube

#include "webhook/object_store.h"

#include <algorithm>
#include <functional>

namespace headroom::webhook {
namespace {

using kube::Kind;

// What is decoded of an object, less what nobody asks about here.
Json Condensed(const Json& object) {
  Json metadata = Json::MakeObject();
  for (const char* name :
       {"name", "namespace", "generateName", "deletionTimestamp", "creationTimestamp"}) {
    if (const Json* value = object.Find({"metadata", name})) metadata.Set(name, *value);
  }
  const Json* annotations = object.Find({"metadata", "annotations"});
  if (annotations != nullptr && annotations->IsObject()) {
    for (const auto& [key, value] : *annotations->AsObject()) {
      if (key.starts_with(kube::kPrefix)) metadata.Make({"annotations"}).Set(key, value);
    }
  }
  Json out = Json::MakeObject();
  out.Set("metadata", std::move(metadata));
  if (const Json* spec = object.Find("spec")) out.Set("spec", *spec);
  return out;
}

Json Restored(const std::string& text) { return ParseJson(text, kube::DecodedFields()).value(); }

size_t HashOf(std::string_view text) { return std::hash<std::string_view>()(text); }

size_t ReferenceOf(Kind kind, const Json& object) {
  if (kind == Kind::kModel) return HashOf(kube::DecodeModel(object).source);
  return HashOf(ModelKeyOf(kube::DecodeInferenceService(object)));
}

}  // namespace

std::string ModelKeyOf(const kube::InferenceService& service) {
  return service.meta.ns + "/" + service.model_ref;
}

std::string ObjectStore::Put(Kind kind, const Json& object) {
  const Json condensed = Condensed(object);
  const std::string key = kube::DecodeMeta(condensed).Key();
  Unlink(kind, key);
  const auto it = TextsOf(kind).insert_or_assign(key, WriteJson(condensed)).first;
  ReferencesOf(kind).emplace(ReferenceOf(kind, condensed), &it->first);
  return key;
}

void ObjectStore::Erase(Kind kind, const std::string& key) {
  Unlink(kind, key);
  TextsOf(kind).erase(key);
}

void ObjectStore::Unlink(Kind kind, const std::string& key) {
  const auto known = TextsOf(kind).find(key);
  if (known == TextsOf(kind).end()) return;
  References& references = ReferencesOf(kind);
  const auto [begin, end] = references.equal_range(ReferenceOf(kind, Restored(known->second)));
  const auto link = std::find_if(
      begin, end, [&known](const auto& reference) { return reference.second == &known->first; });
  if (link != end) references.erase(link);
}

bool ObjectStore::Contains(Kind kind, std::string_view key) const {
  return kind == Kind::kModel ? models_.contains(key) : services_.contains(key);
}

std::optional<kube::Model> ObjectStore::FindModel(std::string_view key) const {
  const auto it = models_.find(key);
  if (it == models_.end()) return std::nullopt;
  return kube::DecodeModel(Restored(it->second));
}

std::optional<kube::InferenceService> ObjectStore::FindService(std::string_view key) const {
  const auto it = services_.find(key);
  if (it == services_.end()) return std::nullopt;
  return kube::DecodeInferenceService(Restored(it->second));
}

std::vector<kube::InferenceService> ObjectStore::ServicesOf(std::string_view model_key) const {
  std::vector<kube::InferenceService> out;
  const auto [begin, end] = services_by_model_.equal_range(HashOf(model_key));
  for (auto it = begin; it != end; ++it) {
    auto service = FindService(*it->second);
    if (ModelKeyOf(*service) == model_key) out.push_back(std::move(*service));
  }
  std::sort(out.begin(), out.end(),
            [](const auto& a, const auto& b) { return a.meta.name < b.meta.name; });
  return out;
}

std::vector<kube::Model> ObjectStore::ModelsOf(std::string_view source) const {
  std::vector<kube::Model> out;
  const auto [begin, end] = models_by_source_.equal_range(HashOf(source));
  for (auto it = begin; it != end; ++it) {
    auto model = FindModel(*it->second);
    if (model->source == source) out.push_back(std::move(*model));
  }
  return out;
}

}  // namespace headroom::webhook

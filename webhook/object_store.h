// Models and InferenceServices as the feeds have them, ten thousands of them in little memory: each
// is kept as the JSON of what is decoded of it, and decoded when somebody asks for it. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "kube/objects.h"

namespace headroom::webhook {

class ObjectStore {
 public:
  ObjectStore() = default;
  ObjectStore(ObjectStore&&) = default;  // a copy would refer to the keys of this one
  ObjectStore& operator=(ObjectStore&&) = default;

  // Adds or replaces; returns "namespace/name".
  std::string Put(kube::Kind kind, const Json& object);
  void Erase(kube::Kind kind, const std::string& key);

  bool Contains(kube::Kind kind, std::string_view key) const;
  std::optional<kube::Model> FindModel(std::string_view key) const;
  std::optional<kube::InferenceService> FindService(std::string_view key) const;
  std::vector<kube::InferenceService> ServicesOf(std::string_view model_key) const;  // by name
  std::vector<kube::Model> ModelsOf(std::string_view source) const;

  size_t models() const { return models_.size(); }
  size_t services() const { return services_.size(); }

 private:
  using Texts = std::map<std::string, std::string, std::less<>>;  // by key
  // Keys of objects by the hash of what they refer to: who finds one looks whether it is meant.
  using References = std::unordered_multimap<size_t, const std::string*>;

  Texts& TextsOf(kube::Kind kind) { return kind == kube::Kind::kModel ? models_ : services_; }
  References& ReferencesOf(kube::Kind kind) {
    return kind == kube::Kind::kModel ? models_by_source_ : services_by_model_;
  }
  void Unlink(kube::Kind kind, const std::string& key);

  Texts models_, services_;
  References models_by_source_, services_by_model_;
};

// "namespace/name" of the Model that a service names.
std::string ModelKeyOf(const kube::InferenceService& service);

}  // namespace headroom::webhook

// The folder of accepted manifests on a machine without Kubernetes: one file an object, written
// atomically, named so that an object is found again: <kind>.<namespace>.<name>.yaml.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/json.h"
#include "common/result.h"

namespace headroom::cli {

class ManifestFolder {
 public:
  explicit ManifestFolder(std::string path) : path_(std::move(path)) {}

  // The stored object with the same kind, namespace and name; nullopt when there is none.
  Result<std::optional<Json>> Find(const Json& object) const;
  Result<void> Store(const Json& object) const;
  // False when it was not there.
  Result<bool> Remove(const Json& object) const;

 private:
  std::string PathOf(const Json& object) const;
  std::string path_;
};

// Objects of FILE ("-" = standard input), Lists flattened, namespace "default" filled in. Errors
// name file and field: "model.yaml: object 2: kind: expected Model or InferenceService, found Pod".
Result<std::vector<Json>> ReadManifests(const std::string& file);

// "model default/llama" for what is printed.
std::string NameOf(const Json& object);

}  // namespace headroom::cli

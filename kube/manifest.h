// Objects out of manifest text, and what changed between two readings. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/json.h"
#include "common/result.h"
#include "kube/object_feed.h"

namespace headroom::kube {

// The objects of YAML or JSON text, Lists expanded, "default" as the namespace of namespaced
// objects without one. Errors name origin, and the document: "models.yaml: document 2: kind is
// missing".
Result<std::vector<Json>> ParseManifests(std::string_view text, std::string_view origin);

// What a source holds, keyed by kind, namespace and name.
class ObjectSet {
 public:
  // Takes `objects` as everything there is; of two with one key the last wins. Returns upserts of
  // what is new or different, then deletions of what is gone.
  std::vector<ObjectEvent> Replace(std::vector<Json> objects);
  size_t size() const { return objects_.size(); }

 private:
  std::map<std::string, Json> objects_;
};

}  // namespace headroom::kube

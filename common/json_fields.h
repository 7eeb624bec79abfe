// Which members of a JSON document its reader looks at: the others are checked like these, but
// never stored, so that a large object with a few fields of interest costs neither memory nor
// copies.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/json.h"

namespace headroom {

class JsonFields {
 public:
  // Field paths ("metadata.name", "spec.serving"): what lies below one is kept whole. Arrays do not
  // count: "items.metadata.name" is the name of each item.
  JsonFields(std::initializer_list<std::string_view> paths);
  // Also `below`, seen from `path`.
  void Add(std::string_view path, const JsonFields& below);

  // What is kept below a member: kept whole where that is empty(); nullptr = the member is dropped.
  const JsonFields* Find(std::string_view name) const;
  bool empty() const { return members_.empty(); }

 private:
  JsonFields() = default;
  JsonFields& At(std::string_view path);  // made where missing

  std::vector<std::pair<std::string, JsonFields>> members_;
};

// ParseJson() with the members that `fields` names only. A value of another type than a path
// suggests is kept, so that its reader can say what is wrong.
Result<Json> ParseJson(std::string_view text, const JsonFields& fields, JsonLimits limits = {});

}  // namespace headroom

// YAML (and therefore JSON) documents to Json, with the scalar rules kubectl uses (YAML 1.2 core
// schema plus quoted strings staying strings), and back for people to read.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/json.h"
#include "common/result.h"

namespace headroom {

// All documents of a stream; empty documents are dropped. `origin` (a file name or URL) starts each
// error, which carries line and column: "model.yaml:7:3: ...". Anchors are resolved with a cap
// on the expanded size so that an alias bomb is an error.
Result<std::vector<Json>> ParseYaml(std::string_view text, std::string_view origin);

// Block style, keys in order, strings quoted only where they would read back as something else.
std::string WriteYaml(const Json& value);

}  // namespace headroom

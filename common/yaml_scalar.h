// How a plain (unquoted) YAML scalar reads: the YAML 1.2 core schema. Shared by reader and writer,
// so that the writer quotes exactly what the reader would take for something else.
#pragma once

#include <optional>
#include <string_view>

#include "common/json.h"

namespace headroom {

// Null, boolean or number; the text itself otherwise. nullopt for .inf and .nan and numbers beyond
// a double, which JSON cannot hold.
std::optional<Json> ResolvePlainScalar(std::string_view text);

}  // namespace headroom

// Reads the header of a model wherever SOURCE says it is: a path, file://, https:// or hf://.
#pragma once

#include <string>

#include "common/result.h"
#include "sources/header_source.h"

namespace headroom::cli {

// Blocking; at most 30 s for a remote source. Nothing beyond the header is read.
Result<sources::ModelHeader> ReadModel(const std::string& source);

}  // namespace headroom::cli

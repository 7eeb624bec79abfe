// Reads the header of a model wherever SOURCE says it is: a path, file://, https:// or hf://.
#pragma once

#include <string>

#include "cli/output/progress.h"
#include "common/result.h"
#include "estimator/gguf/header.h"
#include "sources/header_source.h"

namespace headroom::cli {

// Blocking; at most 30 s for a remote source, then what was read by then gives an upper bound.
// Nothing beyond the header is read. `progress`, if any, is told what has come.
Result<sources::ModelHeader> ReadModel(const std::string& source, Progress* progress = nullptr);

// The headers themselves, of all parts of a split.
struct Headers {
  std::vector<estimator::GgufHeader> parts = {};
  uint64_t file_bytes = 0, bytes_read = 0;
};
Result<Headers> ReadHeaders(const std::string& source, Progress* progress = nullptr);

}  // namespace headroom::cli

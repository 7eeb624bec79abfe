// Headers of a model on the local disk, all parts of a split included. Blocking reads of the header
// only; run it on the worker thread for network file systems.
#pragma once

#include <string>
#include <vector>

#include "common/result.h"
#include "estimator/gguf/header.h"

namespace headroom::estimator {

struct GgufFile {
  std::vector<GgufHeader> parts = {};  // in order; one for an unsplit file
  uint64_t file_bytes = 0;             // all parts
};

// `path` is the file, or the first part of a split (the others lie beside it). Errors start with
// the path; a file shorter than its tensors need is kInvalid ("truncated").
Result<GgufFile> ReadGgufFile(const std::string& path);

}  // namespace headroom::estimator

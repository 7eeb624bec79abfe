// Well-known models by name: published hyper-parameters and tensor shapes, no weights, so that a
// person can ask what fits before downloading anything. The data becomes a GGUF header, and the
// estimator's figure is that of the real file's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/json.h"
#include "common/result.h"
#include "estimator/model.h"

namespace headroom::cli {

// The names in the catalogue, sorted.
const std::vector<std::string>& CatalogNames();
// kNotFound for another name, with the nearest ones.
Result<estimator::ModelFile> CatalogModel(std::string_view name);

// One entry of the data as a header. Internal; errors are those of broken data.
Result<estimator::GgufHeader> HeaderOfEntry(const Json& entry);

}  // namespace headroom::cli

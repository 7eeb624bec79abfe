// Access to tests/data/groundtruth: decompresses with xz, gzip and tar at test time.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/json.h"
#include "estimator/footprint.h"

namespace headroom::estimator {

struct GroundTruthRow {
  std::string model;
  ServingOptions options;
  std::string where;  // "llama-3.2-1b c=4096 np=1 ...", for failures
  bool refused = false;
  uint64_t device_weights = 0, device_context = 0, device_compute = 0;
  uint64_t host_weights = 0, host_compute = 0;
};

// Each line of rows/<name>.jsonl.gz as it is.
void ForEachLine(const std::string& name, const std::function<void(const Json&)>& visit);
// All rows of rows/<name>.jsonl.gz in order; `version` goes into options.runtime_version.
void ForEachRow(const std::string& name, const std::string& version,
                const std::function<void(const GroundTruthRow&)>& visit);

// Bytes of models/<name>.gguf.xz; "" if there is none.
std::string ReadModelHeader(const std::string& name);
// The header bytes of a row's model, known or one of the architectures (read once and kept).
const std::string& GroundTruthHeader(const std::string& name);

class GroundTruthModels {
 public:
  // Described models by name, read on first use: a known model, else one of the architectures.
  const ModelFile& Get(const std::string& name);
  std::vector<std::string> Names() const;

 private:
  std::map<std::string, ModelFile> models_;
};

}  // namespace headroom::estimator

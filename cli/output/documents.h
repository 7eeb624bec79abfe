// Facts for programs, one document each.
#pragma once

#include <ostream>

#include "cli/output/format.h"
#include "common/json.h"

namespace headroom::cli {

// One document: a line of JSON, or YAML with "---" before each further one.
class DocumentWriter {
 public:
  DocumentWriter(std::ostream& out, Format format) : out_(out), format_(format) {}
  void Write(const Json& document);

 private:
  std::ostream& out_;
  Format format_;
  bool first_ = true;
};

}  // namespace headroom::cli

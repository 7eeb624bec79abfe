#include "cli/output/documents.h"

#include "common/yaml.h"

namespace headroom::cli {
void DocumentWriter::Write(const Json& document) {
  if (format_ == Format::kYaml) {
    if (!first_) out_ << "---\n";
    out_ << WriteYaml(document);
  } else {
    out_ << WriteJson(document) << "\n";
  }
  first_ = false;
}

}  // namespace headroom::cli

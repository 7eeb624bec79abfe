#include "cli/output/documents.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>

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

Palette Palette::For(const std::ostream& out) {
  const char* no_colour = std::getenv("NO_COLOR");
  const bool refused = no_colour != nullptr && *no_colour != '\0';
  return Palette(&out == &std::cout && ::isatty(STDOUT_FILENO) == 1 && !refused);
}

}  // namespace headroom::cli

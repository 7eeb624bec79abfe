#include "cli/output.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "common/yaml.h"

namespace headroom::cli {
namespace {

Result<Output> ParseOutput(std::string_view text) {
  if (text == "table") return Output::kTable;
  if (text == "wide") return Output::kWide;
  if (text == "json") return Output::kJson;
  if (text == "yaml") return Output::kYaml;
  return Error(Code::kInvalid,
               "expected table, wide, json or yaml, got '" + std::string(text) + "'");
}

}  // namespace

void AddOutputFlags(Flags& flags, Output& output) {
  flags.Add("output,o", "table|wide|json|yaml", "how to print", "table",
            [&output](std::string_view text) -> Result<void> {
              const auto parsed = ParseOutput(text);
              if (!parsed) return parsed.error();
              output = *parsed;
              return {};
            });
}

void DocumentWriter::Write(const Json& document) {
  if (output_ == Output::kYaml) {
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

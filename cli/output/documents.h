// Facts for programs, one document each, and colours for people.
#pragma once

#include <ostream>
#include <string_view>

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

// Colours for a terminal: none when `out` is no terminal, or NO_COLOR is set.
class Palette {
 public:
  explicit Palette(bool on) : on_(on) {}
  static Palette For(const std::ostream& out);
  std::string_view good() const { return on_ ? "\033[32m" : ""; }
  std::string_view bad() const { return on_ ? "\033[31m" : ""; }
  std::string_view dim() const { return on_ ? "\033[2m" : ""; }
  std::string_view bold() const { return on_ ? "\033[1m" : ""; }
  std::string_view reset() const { return on_ ? "\033[0m" : ""; }

 private:
  bool on_;
};

}  // namespace headroom::cli

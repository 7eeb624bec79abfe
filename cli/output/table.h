// Columns as kubectl prints them: upper-case titles, three blanks between, and colour only where
// the caller says that a terminal reads it. Pure.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "cli/output/color.h"

namespace headroom::cli {

struct Cell {
  Cell(std::string t, Tone tn = Tone::kPlain) : text(std::move(t)), tone(tn) {}
  Cell(const char* t) : text(t) {}

  std::string text;  // "" is printed as "-"
  Tone tone = Tone::kPlain;
};

struct Column {
  std::string title;
  bool wide_only = false;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  void Add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }  // a cell a column
  bool empty() const { return rows_.empty(); }
  void Print(std::ostream& out, bool wide, bool color) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace headroom::cli

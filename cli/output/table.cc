#include "cli/output/table.h"

#include <algorithm>

namespace headroom::cli {
namespace {

constexpr size_t kGap = 3;

std::string_view ShownText(const Cell& cell) {
  return cell.text.empty() ? std::string_view("-") : std::string_view(cell.text);
}

// Code points, not bytes: names may hold any UTF-8.
size_t Width(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(),
                                           [](unsigned char c) { return (c & 0xC0u) != 0x80u; }));
}

}  // namespace

void Table::Print(std::ostream& out, bool wide, bool color) const {
  std::vector<size_t> shown, widths(columns_.size());
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].wide_only && !wide) continue;
    shown.push_back(i);
    widths[i] = Width(columns_[i].title);
    for (const auto& row : rows_) widths[i] = std::max(widths[i], Width(ShownText(row[i])));
  }
  const auto line = [&](auto&& cell_at) {
    for (const size_t i : shown) {
      const Cell& cell = cell_at(i);
      out << Painted(ShownText(cell), cell.tone, color);
      if (i != shown.back()) out << std::string(widths[i] - Width(ShownText(cell)) + kGap, ' ');
    }
    out << "\n";
  };
  std::vector<Cell> titles;
  for (const Column& column : columns_) titles.emplace_back(column.title);
  line([&](size_t i) -> const Cell& { return titles[i]; });
  for (const auto& row : rows_) line([&](size_t i) -> const Cell& { return row[i]; });
}

}  // namespace headroom::cli

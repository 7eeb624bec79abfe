// Another program's page in the Prometheus text format 0.0.4, read to be shown on ours: names made
// legal for what is no recording rule, our labels put in front of its own, timestamps left out.
// Pure. A page that is not understood is refused whole: one bad line would cost our own page.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/result.h"

namespace headroom::exporter {

struct ForeignFamily {
  std::string name, help;
  std::string type;                  // counter, gauge, histogram, summary or untyped
  std::vector<std::string> samples;  // whole lines: name{labels} value
  friend bool operator==(const ForeignFamily&, const ForeignFamily&) = default;
};

// The pages of llama-server and vLLM have some dozens of series; this is for a broken one.
constexpr size_t kMaxForeignSeries = 2000;

using ForeignLabels = std::vector<std::pair<std::string_view, std::string_view>>;

// `labels` are what we know of the program (not yet escaped); a label of the same name in the page
// becomes exported_NAME, as Prometheus does it. ':' in names becomes '_'. A counter whose name does
// not end in _total becomes untyped. Families that would pass for ours are left out.
// Errors name the line.
Result<std::vector<ForeignFamily>> ParseExposition(std::string_view page,
                                                   const ForeignLabels& labels);

// Families of the same name and type from several programs become one; of two types, the first
// one's stay.
void MergeFamilies(std::vector<ForeignFamily>& into, const std::vector<ForeignFamily>& from);

std::string ExpositionText(const std::vector<ForeignFamily>& families);

}  // namespace headroom::exporter

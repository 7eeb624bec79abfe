#include "cli/estimate_sweep.h"

#include <algorithm>
#include <iomanip>

#include "cli/output/color.h"
#include "common/checked.h"
#include "common/quantity.h"

namespace headroom::cli {
namespace {

using estimator::ModelFile;
using estimator::ServingOptions;
using Step = Sweep::Step;

constexpr std::string_view kAxes[] = {"context", "cache-type", "parallel", "ubatch"};

std::vector<std::string> Split(const std::string& axes) {
  std::vector<std::string> out;
  for (size_t begin = 0; begin <= axes.size();) {
    const size_t end = std::min(axes.find(',', begin), axes.size());
    out.push_back(axes.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

std::vector<Step> NumberSteps(const ServingOptions& serving, const std::vector<uint32_t>& values,
                              uint32_t ServingOptions::*field) {
  std::vector<Step> steps;
  for (uint32_t value : values) {
    Step step{std::to_string(value), serving};
    step.serving.*field = value;
    steps.push_back(std::move(step));
  }
  return steps;
}

std::vector<Step> StepsOf(const std::string& axis, const ModelFile& model,
                          const ServingOptions& serving) {
  if (axis == "context") {
    return NumberSteps(serving, ContextSteps(model, serving.context), &ServingOptions::context);
  }
  if (axis == "parallel") {
    return NumberSteps(serving, {1, 2, 4, 8, 16}, &ServingOptions::parallel);
  }
  if (axis == "ubatch") {
    return NumberSteps(serving, {128, 256, 512, 1024, 2048}, &ServingOptions::ubatch);
  }
  std::vector<Step> steps;
  for (const char* type : {"f16", "q8_0", "q5_1", "q4_0"}) {
    Step step{type, serving};
    step.serving.cache_type_k = step.serving.cache_type_v = type;
    steps.push_back(std::move(step));
  }
  return steps;
}

}  // namespace

std::vector<uint32_t> ContextSteps(const ModelFile& model, uint32_t present) {
  constexpr uint32_t kSmallest = 2048;
  std::vector<uint32_t> steps;
  const uint32_t trained = model.hyper.context_train;
  for (uint64_t step = kSmallest; step < trained; step *= 2) {
    steps.push_back(static_cast<uint32_t>(step));
  }
  for (uint32_t extra : {trained, present}) {
    if (extra > 0) steps.push_back(extra);
  }
  std::sort(steps.begin(), steps.end());
  steps.erase(std::unique(steps.begin(), steps.end()), steps.end());
  return steps;
}

Result<void> CheckSweepAxes(const std::string& axes) {
  const std::vector<std::string> names = Split(axes);
  for (const std::string& name : names) {
    if (std::find(std::begin(kAxes), std::end(kAxes), name) == std::end(kAxes)) {
      return Error(Code::kInvalid,
                   "--sweep: expected context, cache-type, parallel or ubatch, got '" + name + "'");
    }
  }
  if (names.size() > 2 || (names.size() == 2 && names[0] == names[1])) {
    return Error(Code::kInvalid, "--sweep: expected one or two different axes, got '" + axes + "'");
  }
  return {};
}

Result<Sweep> RunSweep(const ModelFile& model, const ServingOptions& serving,
                       const std::string& axes) {
  if (auto checked = CheckSweepAxes(axes); !checked) return checked.error();
  const std::vector<std::string> names = Split(axes);
  Sweep sweep{names[0], names.size() > 1 ? names[1] : "", {}};
  for (const Step& row : StepsOf(names[0], model, serving)) {
    std::vector<Step> columns(1, Step{"", row.serving});
    if (!sweep.column_axis.empty()) columns = StepsOf(sweep.column_axis, model, row.serving);
    for (const Step& column : columns) {
      sweep.cells.push_back({row.name, column.name, estimator::Estimate(model, column.serving)});
    }
  }
  return sweep;
}

void PrintSweep(std::ostream& out, const Sweep& sweep, std::optional<uint64_t> budget, bool color) {
  constexpr int kWidth = 14;
  out << "\n  " << std::left << std::setw(12) << sweep.row_axis << std::right;
  for (size_t i = 0; i < sweep.cells.size() && sweep.cells[i].row == sweep.cells[0].row; ++i) {
    const std::string& name = sweep.cells[i].column;
    out << std::setw(kWidth) << (name.empty() ? "total" : name);
  }
  std::string row;
  for (const Sweep::Cell& cell : sweep.cells) {
    if (cell.row != row) out << "\n  " << std::left << std::setw(12) << cell.row << std::right;
    row = cell.row;
    if (!cell.footprint) {
      out << std::setw(kWidth) << "-";
      continue;
    }
    const uint64_t bytes = cell.footprint->footprint_bytes;
    const bool over = budget && bytes > *budget;
    const std::string text = FormatBytes(bytes) + (over ? "!" : "");
    out << std::string(SaturatingSub(kWidth, text.size()), ' ')
        << Painted(text, over ? Tone::kBad : Tone::kPlain, color);
  }
  out << "\n";
  if (budget) out << "  ! = above the budget\n";
}

Json ToJson(const Sweep& sweep, std::optional<uint64_t> budget) {
  Json out = Json::MakeArray();
  for (const Sweep::Cell& cell : sweep.cells) {
    Json one = Json::MakeObject();
    one.Set(sweep.row_axis, cell.row);
    if (!sweep.column_axis.empty()) one.Set(sweep.column_axis, cell.column);
    if (cell.footprint) {
      one.Set("load_bytes", cell.footprint->load_bytes);
      one.Set("footprint_bytes", cell.footprint->footprint_bytes);
      if (budget) one.Set("fits", cell.footprint->footprint_bytes <= *budget);
    } else {
      one.Set("error", cell.footprint.error().message());
    }
    out.Append(std::move(one));
  }
  return out;
}

}  // namespace headroom::cli

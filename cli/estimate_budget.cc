#include "cli/estimate_budget.h"

#include <iomanip>

#include "cli/output/color.h"
#include "common/checked.h"
#include "common/quantity.h"

namespace headroom::cli {
namespace {

using estimator::ServingOptions;

// ResolveBudget() names the fields of a manifest; here they are flags.
std::string WithFlagNames(std::string text, const std::string& path) {
  const std::pair<std::string, std::string_view> names[] = {
      {path + ".memoryFraction", "--memory-fraction"}, {path + ".memoryBudget", "--budget"}};
  for (const auto& [field, flag] : names) {
    if (const size_t at = text.find(field); at != std::string::npos) {
      text.replace(at, field.size(), flag);
    }
  }
  return text;
}

// --memory-fraction without a node is of this machine only where it is known: not here, where the
// model may be meant for another; so it needs --node, or --budget as the whole memory.
Result<BudgetView> OfQuantity(const BudgetFlags& flags) {
  const auto bytes = ParseQuantity(flags.budget);
  if (!bytes) return bytes.error().Within("--budget");
  BudgetView view{*bytes, "--budget", std::nullopt};
  if (flags.memory_fraction.empty()) return view;
  estimator::NodeCapacity machine;
  machine.memory_total = *bytes;
  estimator::BudgetTexts wish;
  wish.memory_fraction = flags.memory_fraction;
  const auto budget = estimator::ResolveBudget(wish, machine);
  if (!budget) {
    return Error(Code::kInvalid, WithFlagNames(budget.error().message(), wish.path));
  }
  view.bytes = budget->bytes;
  view.derivation = "--budget x " + flags.memory_fraction;
  return view;
}

Result<BudgetView> OfNode(const BudgetFlags& flags, ServingOptions& serving) {
  const auto node = LookUpNode(flags.node, flags.place);
  if (!node) return node.error();
  estimator::BudgetTexts wish;
  if (!flags.memory_fraction.empty()) wish.memory_fraction = flags.memory_fraction;
  if (!flags.budget.empty()) wish.memory_budget = flags.budget;
  const auto budget = estimator::ResolveBudget(wish, *node);
  if (!budget) {
    return Error(budget.error().code(), WithFlagNames(budget.error().message(), wish.path));
  }
  if (serving.runtime_version.empty()) serving.runtime_version = node->runtime_version;
  if (node->accelerator == "cpu") serving.device = estimator::Device::kCpu;
  BudgetView view;
  view.bytes = SaturatingSub(budget->bytes, node->committed);
  view.derivation = "node " + node->name + ": " + WithFlagNames(budget->derivation, wish.path);
  if (node->committed > 0) {
    view.derivation += ", less " + FormatBytes(node->committed) + " committed";
  }
  view.node = *node;
  return view;
}

void PrintAnswer(std::ostream& out, std::string_view what, const std::string& answer) {
  out << "    " << std::left << std::setw(18) << what << std::right << answer << "\n";
}

std::string NumberOr(const std::optional<uint32_t>& value) {
  return value ? std::to_string(*value) : "none";
}

}  // namespace

void AddBudgetFlags(Flags& flags, BudgetFlags& out) {
  flags.Add("budget", out.budget, "QUANTITY", "say whether it fits into so much, and what would");
  flags.Add("node", out.node, "NAME", "the same for what a node has left");
  flags.Add("memory-fraction", out.memory_fraction, "0..1",
            "the share of the node's memory (or of --budget) that models may take");
  flags.Add("nodes", out.place.nodes, "FILE|URL",
            "where --node is described; default: the cluster of the kubeconfig");
  flags.Add("kubeconfig", out.place.kubeconfig, "FILE", "the cluster that --node is in");
}

Result<std::optional<BudgetView>> ResolveBudgetFlags(const BudgetFlags& flags,
                                                     ServingOptions& serving) {
  if (flags.node.empty() && flags.budget.empty()) {
    if (flags.memory_fraction.empty()) return std::optional<BudgetView>();
    return Error(Code::kInvalid, "--memory-fraction: of what? give --node or --budget too");
  }
  auto view = flags.node.empty() ? OfQuantity(flags) : OfNode(flags, serving);
  if (!view) return view.error();
  return std::optional<BudgetView>(std::move(*view));
}

FitReport ReportFit(const estimator::ModelFile& model, const ServingOptions& serving,
                    const estimator::Footprint& footprint, const BudgetView& budget) {
  // What is loaded beside the model stays as it is: the searches are for the model alone.
  const uint64_t draft = footprint.draft;
  FitReport report;
  report.short_by = SaturatingSub(footprint.footprint_bytes, budget.bytes);
  report.fits = report.short_by == 0;
  report.largest = estimator::FindFits(model, serving, SaturatingSub(budget.bytes, draft));
  if (report.fits) report.largest.quantisation.reset();  // nobody needs a smaller one
  return report;
}

void PrintFit(std::ostream& out, const FitReport& report, const BudgetView& budget, bool color) {
  out << "\n  budget " << FormatBytes(budget.bytes) << " (" << budget.derivation << "): ";
  out << (report.fits ? Painted("fits", Tone::kGood, color)
                      : Painted("does not fit, short by " + FormatBytes(report.short_by),
                                Tone::kBad, color))
      << "\n";
  out << "  alone, each of these would fit:\n";
  const estimator::Fits& fits = report.largest;
  PrintAnswer(out, "largest context", NumberOr(fits.context));
  PrintAnswer(out, "most slots", NumberOr(fits.slots));
  PrintAnswer(out, "cache types", fits.cache_type.value_or("none"));
  PrintAnswer(out, "largest ubatch", NumberOr(fits.ubatch));
  if (report.fits) return;
  PrintAnswer(out, "quantisation",
              fits.quantisation ? std::string(fits.quantisation->name) + ", about " +
                                      FormatBytes(fits.quantisation->file_bytes)
                                : "none");
}

Json ToJson(const FitReport& report, const BudgetView& budget) {
  Json out = Json::MakeObject();
  out.Set("bytes", budget.bytes);
  out.Set("source", budget.derivation);
  out.Set("fits", report.fits);
  out.Set("short_by", report.short_by);
  const auto number = [](const std::optional<uint32_t>& value) {
    return value ? Json(uint64_t{*value}) : Json();
  };
  const estimator::Fits& fits = report.largest;
  out.Set("largest_context", number(fits.context));
  out.Set("most_slots", number(fits.slots));
  out.Set("largest_ubatch", number(fits.ubatch));
  out.Set("cache_type", fits.cache_type ? Json(*fits.cache_type) : Json());
  out.Set("quantisation", fits.quantisation ? Json(fits.quantisation->name) : Json());
  return out;
}

}  // namespace headroom::cli

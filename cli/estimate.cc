#include <cstdlib>

#include "cli/cli.h"
#include "cli/companion_files.h"
#include "cli/estimate_budget.h"
#include "cli/estimate_print.h"
#include "cli/estimate_sweep.h"
#include "cli/model_reader.h"
#include "cli/output/documents.h"
#include "cli/serving_flags.h"
#include "estimator/footprint.h"

namespace headroom::cli {
namespace {

using estimator::Footprint;
using estimator::ModelFile;
using estimator::ServingOptions;

struct Options {
  ServingOptions serving;
  Format format = Format::kTable;
  bool json = false;
  BudgetFlags budget;
  std::string sweep;
  std::vector<std::string> sources;
  std::vector<estimator::Companion> companions;
  std::vector<std::string> warnings;
};

struct Estimated {
  ModelFile model;
  ServingOptions serving;
  Footprint footprint;
};

Flags FlagsOf(Options& options) {
  Flags flags(
      "headroom estimate",
      "headroom estimate SOURCE... [FLAGS] [-- LLAMA-SERVER COMMAND LINE]\n"
      "What each model needs, from its header alone. SOURCE is a file, file://, https:// or "
      "hf://owner/repo/file.\nBehind -- a command line of llama-server is read as "
      "llama-server reads it, LLAMA_ARG_* variables included; its -m names the source if "
      "no other is given.");
  AddServingFlags(flags, options.serving);
  AddBudgetFlags(flags, options.budget);
  flags.Add("sweep", options.sweep, "AXIS[,AXIS]",
            "a table over context, cache-type, parallel or ubatch");
  AddFormatFlag(flags, options.format);
  flags.Add("json", options.json, "the same as --output json: a line of JSON for each source");
  return flags;
}

// Reads the words behind "--".
Result<void> TakeServerCommand(const std::vector<std::string>& words, Options& options) {
  if (words.empty()) return {};
  auto command = estimator::ParseServerCommand(options.serving, words,
                                               [](const char* name) { return std::getenv(name); });
  if (!command) return command.error();
  options.serving = std::move(command->serving);
  options.companions = std::move(command->companions);
  options.warnings = std::move(command->warnings);
  if (options.sources.empty() && !command->model.empty()) {
    options.sources.push_back(std::move(command->model));
  }
  return {};
}

Result<Estimated> EstimateOne(const Options& options, const std::string& source,
                              Progress* progress) {
  auto header = ReadModel(source, progress);
  if (!header) return header.error();
  if (header->projector) {
    return Error(Code::kUnsupported,
                 source +
                     ": is a projector (mmproj) and no language model; name the model, and "
                     "the projector behind it: -- --mmproj FILE");
  }
  Estimated out{std::move(header->model), options.serving, {}};
  auto companions = ReadCompanions(options.companions, out.model, out.serving);
  if (!companions) return companions.error();
  auto footprint = companions->draft
                       ? estimator::Estimate(out.model, out.serving, *companions->draft)
                       : estimator::Estimate(out.model, out.serving);
  if (!footprint) return footprint.error().Within(source);
  out.footprint = std::move(*footprint);
  std::vector<std::string>& warnings = out.footprint.warnings;
  warnings.insert(warnings.end(), options.warnings.begin(), options.warnings.end());
  warnings.insert(warnings.end(), companions->warnings.begin(), companions->warnings.end());
  return out;
}

// Prints estimates; says whether all fitted.
class Printer {
 public:
  Printer(Streams streams, const Options& options, std::optional<BudgetView> budget)
      : out_(streams.out),
        color_(streams.color),
        options_(options),
        budget_(std::move(budget)),
        documents_(streams.out, options.format) {}

  void Print(const std::string& source, const Estimated& one) {
    std::optional<FitReport> fit;
    if (budget_) fit = ReportFit(one.model, one.serving, one.footprint, *budget_);
    all_fit_ = all_fit_ && (!fit || fit->fits);
    if (IsDocument(options_.format)) {
      PrintDocument(source, one, fit);
    } else {
      PrintText(source, one, fit);
    }
  }
  bool all_fit() const { return all_fit_; }

 private:
  std::optional<uint64_t> Limit() const {
    return budget_ ? std::optional<uint64_t>(budget_->bytes) : std::nullopt;
  }

  void PrintDocument(const std::string& source, const Estimated& one,
                     const std::optional<FitReport>& fit) {
    Json document = estimator::ToJson(one.model, one.footprint);
    document.Set("source", source);
    if (fit) document.Set("budget", ToJson(*fit, *budget_));
    if (!options_.sweep.empty()) {
      document.Set("sweep", ToJson(*RunSweep(one.model, one.serving, options_.sweep), Limit()));
    }
    documents_.Write(document);
  }

  void PrintText(const std::string& source, const Estimated& one,
                 const std::optional<FitReport>& fit) {
    if (!first_) out_ << "\n";
    first_ = false;
    const EstimateView view{source, one.model, one.serving, one.footprint, color_};
    PrintParts(out_, view, options_.format == Format::kWide);
    if (options_.sweep.empty()) {
      PrintContexts(out_, view, Limit().value_or(0));
    } else {
      PrintSweep(out_, *RunSweep(one.model, one.serving, options_.sweep), Limit(), color_);
    }
    if (fit) PrintFit(out_, *fit, *budget_, color_);
  }

  std::ostream& out_;
  bool color_;
  const Options& options_;
  std::optional<BudgetView> budget_;
  DocumentWriter documents_;
  bool first_ = true, all_fit_ = true;
};

}  // namespace

int RunEstimate(const Arguments& arguments, Streams streams) {
  Options options;
  const Flags flags = FlagsOf(options);
  const auto [parsed, exit_code] = ParseFlags(flags, arguments, streams);
  if (!parsed) return exit_code;
  options.sources = parsed->positional;
  if (options.json) options.format = Format::kJson;
  if (auto taken = TakeServerCommand(parsed->after_dashes, options); !taken) {
    return Fail(streams, taken.error(), kUsage);
  }
  if (options.sources.empty()) {
    return Fail(streams,
                Error(Code::kInvalid,
                      "estimate: expected a SOURCE, as in: headroom estimate model.gguf --context "
                      "32768"),
                kUsage);
  }
  if (!options.sweep.empty()) {
    if (auto checked = CheckSweepAxes(options.sweep); !checked) {
      return Fail(streams, checked.error(), kUsage);
    }
  }
  auto budget = ResolveBudgetFlags(options.budget, options.serving);
  if (!budget) {
    const bool usage = budget.error().code() == Code::kInvalid;
    return Fail(streams, budget.error(), usage ? kUsage : kFailed);
  }
  Printer printer(streams, options, std::move(*budget));
  int code = kDone;
  for (const std::string& source : options.sources) {
    const auto one = EstimateOne(options, source, streams.progress);
    if (!one) {
      code = Fail(streams, one.error());
      continue;
    }
    printer.Print(source, *one);
  }
  return printer.all_fit() ? code : kFailed;
}

}  // namespace headroom::cli

#include <iomanip>

#include "cli/cli.h"
#include "cli/model_reader.h"
#include "cli/serving_flags.h"
#include "common/quantity.h"
#include "estimator/footprint.h"
#include "estimator/search.h"

namespace headroom::cli {
namespace {

using estimator::Footprint;
using estimator::ModelFile;
using estimator::ServingOptions;

void PrintRow(std::ostream& out, std::string_view label, uint64_t bytes) {
  out << "  " << std::left << std::setw(22) << label << std::right << std::setw(12)
      << FormatBytes(bytes) << "\n";
}

void PrintIfAny(std::ostream& out, std::string_view label, uint64_t bytes) {
  if (bytes != 0) PrintRow(out, label, bytes);
}

void PrintFootprint(std::ostream& out, const std::string& source, const ModelFile& model,
                    const ServingOptions& options, const Footprint& footprint) {
  out << source << ": " << model.architecture;
  if (!model.quantization.empty()) out << ", " << model.quantization;
  out << ", file " << FormatBytes(model.file_bytes) << "\n"
      << "  for llama.cpp " << footprint.runtime_version << " (" << ToString(footprint.method)
      << "): ctx " << footprint.context << ", " << footprint.slots << " slots, K "
      << options.cache_type_k << ", V " << options.cache_type_v << "\n";
  PrintRow(out, "weights", footprint.resident_weights);
  PrintIfAny(out, "KV cache", footprint.KvCache());
  PrintIfAny(out, "recurrent state", footprint.RecurrentState());
  PrintRow(out, "compute", footprint.Compute());
  PrintRow(out, "output", footprint.Output());
  PrintIfAny(out, "projector", footprint.projector);
  PrintRow(out, "runtime", footprint.runtime);
  PrintRow(out, "= when ready", footprint.load_bytes);
  PrintIfAny(out, "prompt cache", footprint.prompt_cache);
  PrintIfAny(out, "context checkpoints", footprint.context_checkpoints);
  PrintRow(out, "= may grow to", footprint.footprint_bytes);
  for (const std::string& warning : footprint.warnings) out << "  warning: " << warning << "\n";
}

// False when it does not fit.
bool PrintBudget(std::ostream& out, const ModelFile& model, const ServingOptions& options,
                 const Footprint& footprint, uint64_t budget) {
  const bool fits = footprint.footprint_bytes <= budget;
  out << "  budget " << FormatBytes(budget) << ": "
      << (fits ? "fits"
               : "does not fit, short by " + FormatBytes(footprint.footprint_bytes - budget))
      << "\n";
  const auto largest = estimator::LargestContext(model, options, budget);
  out << "  largest context within it: " << (largest ? std::to_string(*largest) : "none") << "\n";
  return fits;
}

}  // namespace

int RunEstimate(const Arguments& arguments, Streams streams) {
  ServingOptions options;
  std::string budget_text;
  bool json = false;
  Flags flags(
      "headroom estimate",
      "headroom estimate SOURCE... [FLAGS] [-- LLAMA-SERVER-FLAGS]\n"
      "What each model needs, from its header alone. SOURCE is a file, file://, https:// or "
      "hf://owner/repo/file.\nFlags behind -- are read as llama-server reads them.");
  AddServingFlags(flags, options);
  flags.Add("budget", budget_text, "QUANTITY", "say whether it fits, and the largest context");
  flags.Add("json", json, "print JSON, an object a source");
  const auto [parsed, exit_code] = ParseFlags(flags, arguments, streams);
  if (!parsed) return exit_code;
  if (parsed->positional.empty()) {
    return Fail(streams,
                Error(Code::kInvalid,
                      "estimate: expected a SOURCE, as in: headroom "
                      "estimate model.gguf --context 32768"),
                kUsage);
  }
  if (const auto applied = estimator::ApplyArgs(options, parsed->after_dashes); !applied) {
    return Fail(streams, applied.error(), kUsage);
  }
  std::optional<uint64_t> budget;
  if (!budget_text.empty()) {
    const auto bytes = ParseQuantity(budget_text);
    if (!bytes) return Fail(streams, bytes.error().Within("--budget"), kUsage);
    budget = *bytes;
  }
  bool all_fit = true;
  for (const std::string& source : parsed->positional) {
    const auto header = ReadModel(source);
    if (!header) return Fail(streams, header.error());
    const auto footprint = estimator::Estimate(header->model, options);
    if (!footprint) return Fail(streams, footprint.error().Within(source));
    if (json) {
      streams.out << WriteJson(estimator::ToJson(header->model, *footprint)) << "\n";
    } else {
      PrintFootprint(streams.out, source, header->model, options, *footprint);
    }
    if (budget && json) all_fit = all_fit && footprint->footprint_bytes <= *budget;
    if (budget && !json) {
      all_fit = PrintBudget(streams.out, header->model, options, *footprint, *budget) && all_fit;
    }
  }
  return all_fit ? kDone : kFailed;
}

}  // namespace headroom::cli

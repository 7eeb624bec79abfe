#include "cli/estimate_print.h"

#include <algorithm>
#include <cmath>
#include <iomanip>

#include "cli/estimate_sweep.h"
#include "cli/output/color.h"
#include "common/quantity.h"

namespace headroom::cli {
namespace {

using estimator::Footprint;

void PrintRow(std::ostream& out, std::string_view label, uint64_t bytes, bool wide) {
  out << "  " << std::left << std::setw(22) << label << std::right << std::setw(12)
      << FormatBytes(bytes);
  if (wide) out << std::setw(18) << bytes;
  out << "\n";
}

// The parts that most models have; the others only where they are.
void PrintLoaded(std::ostream& out, const Footprint& f, bool wide) {
  PrintRow(out, "weights", f.resident_weights, wide);
  const struct {
    std::string_view label;
    uint64_t bytes;
  } parts[] = {{"KV cache", f.KvCache()},
               {"recurrent state", f.RecurrentState()},
               {"compute", f.Compute()},
               {"output", f.Output()},
               {"projector", f.projector},
               {"LoRA adapters", f.lora},
               {"control vectors", f.control_vectors},
               {"draft model", f.draft},
               {"expert cache", f.expert_cache},
               {"runtime", f.runtime}};
  for (const auto& part : parts) {
    if (part.bytes != 0) PrintRow(out, part.label, part.bytes, wide);
  }
  PrintRow(out, "= when ready", f.load_bytes, wide);
}

void PrintGrowth(std::ostream& out, const Footprint& f, bool wide) {
  if (f.prompt_cache != 0) PrintRow(out, "prompt cache", f.prompt_cache, wide);
  if (f.context_checkpoints != 0) {
    PrintRow(out, "context checkpoints", f.context_checkpoints, wide);
  }
  if (f.full_outputs != 0) PrintRow(out, "full outputs", f.full_outputs, wide);
  PrintRow(out, "= may grow to", f.footprint_bytes, wide);
}

void PrintPlaces(std::ostream& out, const Footprint& f) {
  out << "\n  buffers" << std::setw(27) << "device" << std::setw(18) << "host"
      << "\n";
  const auto row = [&out](std::string_view label, uint64_t device, uint64_t host) {
    out << "  " << std::left << std::setw(22) << label << std::right << std::setw(12) << device
        << std::setw(18) << host << "\n";
  };
  row("weights", f.device.weights, f.host.weights);
  row("kv_cache", f.device.kv_cache, f.host.kv_cache);
  row("recurrent_state", f.device.recurrent_state, f.host.recurrent_state);
  row("compute", f.device.compute, f.host.compute);
  row("output", f.device.output, f.host.output);
}

std::string Billions(uint64_t parameters) {
  const uint64_t tenths = (parameters + 50'000'000) / 100'000'000;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " B parameters";
}

}  // namespace

void PrintParts(std::ostream& out, const EstimateView& view, bool wide) {
  const estimator::ModelFile& model = view.model;
  const Footprint& f = view.footprint;
  out << Painted(view.source, Tone::kBold, view.color) << ": " << model.architecture;
  if (!model.quantization.empty()) out << ", " << model.quantization;
  if (model.tensors.parameters >= 50'000'000) out << ", " << Billions(model.tensors.parameters);
  out << ", file " << FormatBytes(model.file_bytes) << "\n"
      << "  for llama.cpp " << f.runtime_version << " (" << ToString(f.method) << "): ctx "
      << f.context << ", " << f.slots << (f.slots == 1 ? " slot" : " slots");
  if (f.slots > 1 && f.context_per_slot != f.context) out << " of " << f.context_per_slot;
  out << ", K " << view.serving.cache_type_k << ", V " << view.serving.cache_type_v << "\n";
  PrintLoaded(out, f, wide);
  PrintGrowth(out, f, wide);
  if (wide) PrintPlaces(out, f);
  for (const std::string& warning : f.warnings) {
    out << "  " << Painted("warning:", Tone::kWarn, view.color) << " " << warning << "\n";
  }
}

void PrintContexts(std::ostream& out, const EstimateView& view, uint64_t budget) {
  struct Line {
    uint32_t context;
    uint64_t bytes;
  };
  std::vector<Line> lines;
  uint64_t largest = budget;
  for (uint32_t context : ContextSteps(view.model, view.serving.context)) {
    estimator::ServingOptions serving = view.serving;
    serving.context = context;
    const auto footprint = estimator::Estimate(view.model, serving);
    if (!footprint) continue;
    // What is loaded beside the model does not grow with its context, but for a draft's own cache.
    const uint64_t bytes = footprint->footprint_bytes + view.footprint.draft - footprint->draft;
    lines.push_back({context, bytes});
    largest = std::max(largest, bytes);
  }
  if (lines.size() < 2) return;
  constexpr double kBar = 40;
  out << "\n  context      may grow to\n";
  for (const Line& line : lines) {
    const bool over = budget != 0 && line.bytes > budget;
    // Rounded up, so that nothing is without a bar.
    const auto length = static_cast<size_t>(
        std::ceil(kBar * static_cast<double>(line.bytes) / static_cast<double>(largest)));
    const std::string bar = std::string(length, '#') + (over ? " over budget" : "");
    out << "  " << std::setw(9) << line.context << std::setw(14) << FormatBytes(line.bytes) << "  "
        << Painted(bar, over ? Tone::kBad : Tone::kPlain, view.color) << "\n";
  }
}

}  // namespace headroom::cli

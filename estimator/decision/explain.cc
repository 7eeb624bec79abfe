#include "estimator/explain.h"

#include <algorithm>

#include "common/checked.h"
#include "common/quantity.h"
#include "estimator/decision/text.h"

namespace headroom::estimator {
namespace {

using State = CandidateView::State;

// An AdmissionReview message; kubectl and GitOps tools show it whole up to about this size.
constexpr size_t kMaxText = 2048;
constexpr size_t kMaxWarning = 120, kMaxWarnings = 4;
constexpr size_t kMaxName = 120, kMaxSource = 160;

std::string Subject(const Verdict& v) {
  return Ascii(v.workload.kind, 40) + " " + Ascii(v.workload.name, kMaxName);
}

std::string NodeName(const CandidateView& c) { return Ascii(c.node, kMaxName); }

// A denial without numbers.
std::string PlainLine(const Verdict& v) {
  const CandidateView* c = v.Chosen();
  const std::string subject = Subject(v);
  switch (v.rule) {
    case Rule::kNoCandidate:
      if (c == nullptr) return subject + ": no node is known that could run it.";
      return subject + ": no target node is usable: node " + NodeName(*c) + ": " +
             Ascii(c->why, 200) + ".";
    case Rule::kNodeBudget:
      return "node " + NodeName(*c) + " has unusable annotations: " + Ascii(v.detail, 300);
    case Rule::kUnknownSize: return subject + ": memory need unknown: " + Ascii(v.detail, 300);
    case Rule::kHeaderPending:
      return subject + ": the header of " + Ascii(v.fields.source, 2 * kMaxName) +
             " is being fetched: retry in a few seconds.";
    default: return subject + ": " + Ascii(v.detail, 300);
  }
}

std::string InUseLine(const Verdict& v, const CandidateView& c) {
  const uint64_t load = c.footprint.load_bytes;
  const Unit unit({load, c.available, c.shortfall});
  return Subject(v) + " needs " + unit.Amount(load) + " to load but node " + NodeName(c) + " has " +
         unit.Amount(c.available) + " available now (short by " + unit.Amount(c.shortfall) + ").";
}

std::string AllowedLine(const Verdict& v, const CandidateView& c) {
  const Unit unit({c.need, c.headroom});
  return Subject(v) + " needs " + unit.Amount(c.need) + ", node " + NodeName(c) + " can give it " +
         unit.Amount(c.headroom) + ".";
}

std::string ShortLine(const Verdict& v, const CandidateView& c) {
  const Unit unit({c.need, c.headroom, c.shortfall});
  const std::string start = Subject(v) + " needs " + unit.Amount(c.need) + " but ";
  const std::string end =
      " can give it " + unit.Amount(c.headroom) + " (short by " + unit.Amount(c.shortfall) + ").";
  if (v.rule == Rule::kFitsNoNode) {
    return start + "fits no node: the closest, " + NodeName(c) + "," + end;
  }
  if (v.rule == Rule::kOccupied) {
    const size_t count = c.occupants.size();
    return start + "node " + NodeName(c) + " with " + std::to_string(count) +
           (count == 1 ? " model" : " models") + " on it" + end;
  }
  return start + "node " + NodeName(c) + end;
}

bool HasNumbers(const Verdict& v) {
  switch (v.rule) {
    case Rule::kOverBudget:
    case Rule::kFitsNoNode:
    case Rule::kOccupied:
    case Rule::kInUse: return true;
    default: return false;
  }
}

std::string FirstLine(const Verdict& v) {
  if (v.allowed) return AllowedLine(v, *v.Chosen());
  if (!HasNumbers(v)) return PlainLine(v);
  return v.rule == Rule::kInUse ? InUseLine(v, *v.Chosen()) : ShortLine(v, *v.Chosen());
}

std::string KvDetails(const Verdict& v, const CandidateView& c) {
  return "ctx " + std::to_string(c.footprint.context) + ", " + v.serving.cache_type_k + "/" +
         v.serving.cache_type_v + ", " + std::to_string(c.footprint.slots) +
         (c.footprint.slots == 1 ? " slot" : " slots");
}

std::string EstimateBlock(const Verdict& v, const CandidateView& c) {
  const Footprint& f = c.footprint;
  std::string source = "  Estimate (GGUF header of " + Ascii(v.source, kMaxSource);
  if (v.header_bytes_read > 0) source += ", read " + FormatBytes(v.header_bytes_read);
  if (!v.hyper) {
    return Columns("  Declared size (memoryBudget; the header could not be read)",
                   FormatBytes(c.need)) +
           "\n";
  }
  const uint64_t rest = SaturatingSub(f.footprint_bytes, f.load_bytes);
  const Unit unit({std::max(f.resident_weights, f.KvCache())});
  std::string parts = "weights " + unit.Number(f.resident_weights);
  if (f.KvCache() > 0)
    parts += " | KV cache " + unit.Number(f.KvCache()) + " (" + KvDetails(v, c) + ")";
  if (f.RecurrentState() > 0) parts += " | recurrent state " + unit.Number(f.RecurrentState());
  parts += " | compute " + unit.Number(f.Compute() + f.Output());
  if (f.projector > 0) parts += " | projector " + unit.Number(f.projector);
  parts += " | runtime " + unit.Number(f.runtime);
  if (f.prompt_cache > 0) parts += " | prompt cache up to " + unit.Number(f.prompt_cache);
  if (f.context_checkpoints > 0) {
    parts += " | checkpoints up to " + unit.Number(f.context_checkpoints);
  }
  std::string text =
      Columns(source + ")", unit.Amount(f.footprint_bytes)) + "\n    " + parts + "\n";
  if (rest > 0 && v.rule == Rule::kInUse)
    text += "    to load: " + unit.Amount(f.load_bytes) + "\n";
  return text;
}

std::string OccupantList(const CandidateView& c, const Unit& unit) {
  std::string text;
  for (size_t i = 0; i < c.occupants.size() && i < 4; ++i) {
    text += (i == 0 ? "" : ", ") + Ascii(c.occupants[i].name, 80) + " " +
            unit.Number(c.occupants[i].footprint_bytes);
  }
  if (c.occupants.size() > 4) text += ", " + std::to_string(c.occupants.size() - 4) + " more";
  return text;
}

std::string BudgetBlock(const CandidateView& c) {
  const Unit unit({c.budget.bytes, c.headroom});
  std::string text = Columns("  Budget of " + NodeName(c), unit.Amount(c.headroom)) + "\n    " +
                     Ascii(c.budget.derivation, 240);
  if (c.budget.derivation.find(" x ") != std::string::npos) {
    text += " = " + FormatGiB(c.budget.bytes);
  }
  if (c.committed > 0) {
    const Unit held({c.committed});
    text += "  -  admitted " + held.Number(c.committed) + " (" + OccupantList(c, held) + ")";
  }
  return text + "\n";
}

std::string StateText(const CandidateView& c) {
  switch (c.state) {
    case State::kStale:
    case State::kUnschedulable:
    case State::kInvalid:
    case State::kRefused: return Ascii(c.why, 160);
    default: break;
  }
  return FormatBytes(c.headroom) + " free of " + FormatBytes(c.budget.bytes) + ", short by " +
         FormatBytes(c.shortfall);
}

std::string OtherCandidates(const Verdict& v) {
  std::string text;
  constexpr size_t kShown = 3;
  for (size_t i = 1; i < v.candidates.size() && i <= kShown; ++i) {
    text += "    " + NodeName(v.candidates[i]) + ": " + StateText(v.candidates[i]) + "\n";
  }
  if (v.candidates.size() > kShown + 1) {
    text += "    and " + std::to_string(v.candidates.size() - kShown - 1) + " more\n";
  }
  return text.empty() ? "" : "  Other target nodes:\n" + text;
}

std::string Assumed(const Verdict& v, const CandidateView& c) {
  std::string text = "  Assumed: context " + std::to_string(c.footprint.context);
  const std::string from = v.workload.service.empty()
                               ? v.fields.context
                               : "InferenceService " + Ascii(v.workload.service, kMaxName) + " (" +
                                     v.fields.context + ")";
  const std::string assumed = v.serving.context == 0 ? " from the model file" : " by default";
  text += v.context_assumed ? assumed + " (set " + v.fields.context + ")" : " from " + from;
  return text + "; accelerator " + Ascii(c.accelerator, 40) + "; llama.cpp " +
         Ascii(c.footprint.runtime_version, 40) + "\n";
}

std::string SuggestionBlock(const Verdict& v, const CandidateView& c) {
  std::string text;
  for (const Suggestion& s : v.suggestions) text += "    - " + Ascii(s.text, 240) + "\n";
  if (v.hyper && v.rule != Rule::kInUse && c.footprint.resident_weights > c.headroom) {
    text += "    - on " + NodeName(c) + ": no context is small enough, the weights alone exceed " +
            FormatBytes(c.headroom) + "\n";
  }
  if (text.empty()) text = "    - nothing: no smaller context, cache type or node is enough\n";
  return "  Would fit (checked with the same estimator):\n" + text;
}

// Hints for denials that have no numbers.
std::string WayOut(const Verdict& v) {
  switch (v.rule) {
    case Rule::kNoCandidate:
      return "  Start headroom-exporter on the Mac, or correct " + v.fields.node + ".\n";
    case Rule::kNodeBudget:
      return "  The node's exporter writes them; correct or remove what was set by hand.\n";
    case Rule::kUnknownSize:
      return "  Either make the header of " + v.fields.source +
             " readable, or declare the size with spec.hardware.memoryBudget,\n"
             "  or run the webhook with --unknown-size=warn (the node still checks at launch).\n";
    default: return "";
  }
}

std::string Docs(const Verdict& v) {
  return "  Docs: docs/errors.md#" + std::string(RuleId(v.rule)) + "\n";
}

}  // namespace

std::string Summary(const Verdict& v) {
  if (!v.allowed) return "[" + std::string(RuleId(v.rule)) + "] " + FirstLine(v);
  if (v.Chosen() == nullptr) return Subject(v) + " is allowed; its memory was not checked.";
  return FirstLine(v);
}

std::string DenialText(const Verdict& v) {
  if (v.allowed) return "";
  std::string text = Summary(v) + "\n\n";
  std::vector<std::string> blocks;
  if (HasNumbers(v)) {
    const CandidateView& c = *v.Chosen();
    blocks = {EstimateBlock(v, c), BudgetBlock(c)};
    if (v.hyper) blocks.push_back(Assumed(v, c));
    blocks.push_back(SuggestionBlock(v, c));
    blocks.push_back(OtherCandidates(v));
  } else {
    blocks = {WayOut(v), OtherCandidates(v)};
  }
  const std::string docs = Docs(v);
  for (const std::string& block : blocks) {
    if (text.size() + block.size() + docs.size() <= kMaxText) text += block;
  }
  return text + docs;
}

std::vector<std::string> Warnings(const Verdict& v) {
  std::vector<std::string> out;
  for (const std::string& warning : v.warnings) {
    std::string line = Ascii(warning, kMaxWarning);
    if (std::find(out.begin(), out.end(), line) == out.end()) out.push_back(std::move(line));
  }
  if (out.size() > kMaxWarnings) {
    const size_t more = out.size() - kMaxWarnings + 1;
    out.resize(kMaxWarnings - 1);
    out.push_back("and " + std::to_string(more) + " more warnings");
  }
  return out;
}

}  // namespace headroom::estimator

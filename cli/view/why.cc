#include "cli/fleet/header_reader.h"
#include "cli/view/view.h"
#include "common/quantity.h"
#include "estimator/explain.h"

namespace headroom::cli {
namespace {

using State = estimator::CandidateView::State;

struct WhyOptions {
  FleetOptions fleet;
  HeaderOptions headers;
  Format format = Format::kTable;
  std::string ns;
};

void PrintParts(std::ostream& out, const estimator::Footprint& f) {
  const std::pair<std::string_view, uint64_t> parts[] = {
      {"weights", f.resident_weights},
      {"KV cache", f.KvCache()},
      {"recurrent state", f.RecurrentState()},
      {"compute", f.Compute()},
      {"output", f.Output()},
      {"projector", f.projector},
      {"runtime", f.runtime},
      {"prompt cache, up to", f.prompt_cache},
      {"context checkpoints, up to", f.context_checkpoints}};
  Table table({{"PART"}, {"BYTES"}});
  for (const auto& [name, bytes] : parts) {
    if (bytes > 0) table.Add({std::string(name), FormatBytes(bytes)});
  }
  table.Add({"= footprint", FormatBytes(f.footprint_bytes)});
  table.Print(out, false, false);
}

std::string_view Word(State state) {
  switch (state) {
    case State::kFits: return "fits";
    case State::kOccupied: return "occupied";
    case State::kTooSmall: return "too small";
    case State::kInUse: return "in use";
    case State::kStale: return "stale";
    case State::kUnschedulable: return "unschedulable";
    case State::kInvalid: return "invalid";
    case State::kRefused: return "refused";
  }
  return "unknown";
}

std::string Occupants(const estimator::CandidateView& view) {
  std::string text;
  for (const estimator::Occupant& one : view.occupants) {
    text += (text.empty() ? "" : ", ") + one.name + " " + FormatBytes(one.footprint_bytes);
  }
  return text;
}

// Claims are made in a cluster only: a machine by itself runs what lies in its folder.
std::string PlaceOf(const Wanted& wanted) {
  if (!wanted.workload.claimed_by.empty()) return "claimed by node " + wanted.workload.claimed_by;
  return wanted.node.empty() ? "not claimed by a node" : "can only run on node " + wanted.node;
}

void PrintVerdict(Streams streams, const Wanted& wanted, const estimator::Verdict& verdict) {
  std::ostream& out = streams.out;
  out << wanted.workload.Describe() << ": " << PlaceOf(wanted) << "\n"
      << Painted(verdict.allowed ? "would be allowed" : "would be denied",
                 verdict.allowed ? Tone::kGood : Tone::kBad, streams.color)
      << " with today's numbers\n\n";
  const estimator::CandidateView* chosen = verdict.Chosen();
  if (verdict.allowed || chosen == nullptr) out << estimator::Summary(verdict) << "\n";
  if (!verdict.allowed) out << estimator::DenialText(verdict);
  if (chosen != nullptr && chosen->footprint.footprint_bytes > 0) {
    out << "\n";
    PrintParts(out, chosen->footprint);
  }
  if (verdict.candidates.empty()) return;
  out << "\n";
  Table table({{"NODE"},
               {"VERDICT"},
               {"BUDGET"},
               {"COMMITTED"},
               {"CAN GIVE"},
               {"NEEDS"},
               {"HOW"},
               {"BESIDE"}});
  for (const estimator::CandidateView& view : verdict.candidates) {
    table.Add(
        {view.node,
         {std::string(Word(view.state)), view.state == State::kFits ? Tone::kGood : Tone::kBad},
         FormatBytes(view.budget.bytes),
         FormatBytes(view.committed),
         FormatBytes(view.headroom),
         FormatBytes(view.need),
         view.why.empty() ? view.budget.derivation : view.why,
         Occupants(view)});
  }
  table.Print(out, true, streams.color);
  for (const std::string& warning : estimator::Warnings(verdict)) {
    out << Painted("warning:", Tone::kWarn, streams.color) << " " << warning << "\n";
  }
}

int Explain(Streams streams, const WhyOptions& options, const std::string& name) {
  auto objects = ReadFleetObjects(ResolveSource(options.fleet));
  if (!objects) return Fail(streams, objects.error());
  const Fleet fleet(std::move(*objects));
  const auto wanted = fleet.FindByName(name, options.ns);
  if (!wanted) return Fail(streams, wanted.error());
  const WallTime now = std::chrono::system_clock::now();
  Judge judge(MakeHeaderReader(options.headers, now, streams.progress),
              {.allow_unknown = false, .now = now});
  const estimator::Verdict verdict = judge.Decide(fleet, (*wanted)->workload);
  if (IsDocument(options.format)) {
    Json document = estimator::ToJson(verdict);
    document.Set("message", estimator::DenialText(verdict));
    PrintDocument(streams.out, document, options.format);
  } else {
    PrintVerdict(streams, **wanted, verdict);
  }
  return verdict.allowed ? kDone : kFailed;
}

}  // namespace

int RunWhy(const Arguments& arguments, Streams streams) {
  WhyOptions options;
  Flags flags("headroom why",
              "headroom why MODEL [FLAGS]\n"
              "The whole decision about a model again, with today's numbers: what it needs part by "
              "part, what each node could give it, and what would fit. Exit code 1: it would be "
              "denied.");
  flags.Add("namespace,n", options.ns, "NAMESPACE", "namespace of MODEL; empty = any");
  AddFormatFlag(flags, options.format);
  AddFleetFlags(flags, options.fleet);
  AddHeaderFlags(flags, options.headers);
  const auto [parsed, exit_code] = ParseFlags(flags, arguments, streams);
  if (!parsed) return exit_code;
  if (parsed->positional.size() != 1) {
    return Fail(streams,
                Error(Code::kInvalid, "why: expected one MODEL; headroom status lists them"),
                kUsage);
  }
  return Explain(streams, options, parsed->positional[0]);
}

}  // namespace headroom::cli

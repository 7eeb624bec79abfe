#include <algorithm>

#include "cli/check/manifests.h"
#include "cli/fleet/header_reader.h"
#include "cli/fleet/reader.h"
#include "cli/output/format.h"
#include "cli/output/table.h"
#include "cli/simulate/packing.h"
#include "common/checked.h"
#include "common/quantity.h"

namespace headroom::cli {
namespace {

using Kind = Placement::Kind;

struct SimulateOptions {
  std::vector<std::string> files, lost;
  FleetOptions fleet;
  HeaderOptions headers;
  Format format = Format::kTable;
};

std::string_view Word(Kind kind) {
  if (kind == Kind::kStays) return "stays";
  return kind == Kind::kPlaced ? "placed" : "nowhere";
}

Json ToJson(const Outcome& outcome) {
  Json out = Json::MakeObject();
  Json placements = Json::MakeArray(), nodes = Json::MakeArray();
  for (const Placement& one : outcome.placements) {
    Json item = Json::MakeObject();
    item.Set("subject", one.subject);
    item.Set("result", Word(one.kind));
    item.Set("from", one.from.empty() ? Json() : Json(one.from));
    item.Set("to", one.to.empty() ? Json() : Json(one.to));
    item.Set("bytes", one.bytes);
    item.Set("why", one.why);
    placements.Append(std::move(item));
  }
  for (const NodeAfter& one : outcome.nodes) {
    Json item = Json::MakeObject();
    item.Set("name", one.name);
    item.Set("budget", one.budget);
    item.Set("committed", one.committed);
    item.Set("headroom", SaturatingSub(one.budget, one.committed));
    nodes.Append(std::move(item));
  }
  out.Set("placements", std::move(placements));
  out.Set("nodes", std::move(nodes));
  return out;
}

void Print(Streams streams, const Outcome& outcome) {
  Table models({{"MODEL"}, {"RESULT"}, {"FROM"}, {"TO"}, {"NEEDS"}, {"WHY"}});
  for (const Placement& one : outcome.placements) {
    const Tone tone = one.kind == Kind::kNowhere  ? Tone::kBad
                      : one.kind == Kind::kPlaced ? Tone::kGood
                                                  : Tone::kPlain;
    models.Add({one.subject,
                {std::string(Word(one.kind)), tone},
                one.from,
                one.to,
                one.bytes > 0 ? FormatBytes(one.bytes) : "",
                one.why});
  }
  Table nodes({{"NODE"}, {"BUDGET"}, {"COMMITTED"}, {"HEADROOM"}});
  for (const NodeAfter& one : outcome.nodes) {
    nodes.Add({one.name, FormatBytes(one.budget), FormatBytes(one.committed),
               FormatBytes(SaturatingSub(one.budget, one.committed))});
  }
  if (!models.empty()) {
    models.Print(streams.out, true, streams.color);
    streams.out << "\n";
  }
  nodes.Print(streams.out, true, streams.color);
}

// A snapshot in a file is of some time ago; the question is what would be, so its nodes count.
void Refresh(std::vector<Json>& objects, WallTime now) {
  for (Json& object : objects) {
    if (StringOr(object, {"kind"}) != "Node") continue;
    if (object.Find({"metadata", "annotations", "headroom.dev/observed-at"}) == nullptr) continue;
    object.Make({"metadata", "annotations"}).Set("headroom.dev/observed-at", FormatRfc3339(now));
  }
}

Result<Outcome> Run(const SimulateOptions& options, Progress* progress) {
  const FleetSource source = ResolveSource(options.fleet);
  auto objects = ReadFleetObjects(source);
  if (!objects) return objects.error();
  const WallTime now = std::chrono::system_clock::now();
  if (source.kubeconfig.empty()) Refresh(*objects, now);
  WhatIf what_if{options.lost, {}};
  for (const std::string& file : options.files) {
    auto manifests = ReadManifestTree(file);
    if (!manifests) return manifests.error();
    for (Manifest& one : *manifests) what_if.added.push_back(std::move(one.object));
  }
  Judge judge(MakeHeaderReader(options.headers, now, progress),
              {.allow_unknown = false, .now = now});
  return Simulate(std::move(*objects), what_if, judge);
}

}  // namespace

int RunSimulate(const Arguments& arguments, Streams streams) {
  SimulateOptions options;
  Flags flags("headroom simulate",
              "headroom simulate [FLAGS]\n"
              "A what-if on the fleet: place the models of -f, lose the machines of --lose, and "
              "see what fits where. Changes nothing. Models are placed the largest first, each on "
              "the node with the least room left that takes it. Exit code 1: one fits nowhere.");
  flags.Add("filename,f", options.files, "FILE|DIR|-", "models to place, as manifests");
  flags.Add("lose", options.lost, "NODE", "a machine that is gone; its models need a new place");
  AddFormatFlag(flags, options.format);
  AddFleetFlags(flags, options.fleet);
  AddHeaderFlags(flags, options.headers);
  const auto [parsed, exit_code] = ParseFlags(flags, arguments, streams);
  if (!parsed) return exit_code;
  if (!parsed->positional.empty()) return NoArguments("simulate", streams);
  const auto outcome = Run(options, streams.progress);
  if (!outcome) return Fail(streams, outcome.error());
  if (IsDocument(options.format)) {
    PrintDocument(streams.out, ToJson(*outcome), options.format);
  } else {
    Print(streams, *outcome);
  }
  const bool all = std::none_of(outcome->placements.begin(), outcome->placements.end(),
                                [](const Placement& one) { return one.kind == Kind::kNowhere; });
  return all ? kDone : kFailed;
}

}  // namespace headroom::cli

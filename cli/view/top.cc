#include "cli/view/view.h"
#include "common/quantity.h"

namespace headroom::cli {
namespace {

constexpr std::string_view kParts[] = {"wired",       "models", "other",   "compressed",
                                       "reclaimable", "free",   "reserved"};

// The answer of one exporter's /memstats, or why there is none.
struct Sampled {
  std::string node;
  Json stats;
  std::string problem;
};

std::vector<Sampled> Sample(const Fleet& fleet, WallTime now) {
  std::vector<Sampled> out;
  for (const kube::Node* node : fleet.nodes()) {
    if (!node->publishes) continue;
    Sampled one{node->meta.name, Json(), ""};
    const std::string exporter = ExporterOf(*node, now);
    if (exporter.empty()) {
      one.problem = "stale: no exporter to ask";
    } else if (auto stats = GetJson(exporter, "/memstats"); stats) {
      one.stats = std::move(*stats);
    } else {
      one.problem = stats.error().message();
    }
    out.push_back(std::move(one));
  }
  return out;
}

std::string Bytes(const Json& object, JsonPath path) {
  const Json* value = object.Find(path);
  const auto bytes = value != nullptr ? value->AsUint() : std::nullopt;
  return bytes ? FormatBytes(*bytes) : "";
}

void AddModels(Table& table, const Sampled& sampled) {
  const Json* models = sampled.stats.Find("models");
  if (models == nullptr || models->AsArray() == nullptr) return;
  for (const Json& model : *models->AsArray()) {
    const auto footprint = IntOr(model, {"footprint"}, 0),
               estimate = IntOr(model, {"estimated"}, 0);
    const bool known = footprint > 0 && estimate > 0;
    const int64_t percent = known ? footprint * 100 / estimate : 0;
    table.Add(
        {sampled.node,
         StringOr(model, {"namespace"}) + "/" + StringOr(model, {"name"}),
         {BoolOr(model, {"ready"}, false) ? "ready"
          : BoolOr(model, {"up"}, false)  ? "up"
                                          : "down",
          BoolOr(model, {"ready"}, false) ? Tone::kGood : Tone::kWarn},
         Bytes(model, {"footprint"}),
         Bytes(model, {"estimated"}),
         {known ? std::to_string(percent) + "%" : "", percent > 100 ? Tone::kBad : Tone::kPlain},
         Bytes(model, {"resident"}),
         Bytes(model, {"footprintPeak"})});
  }
}

int Print(Streams streams, const ViewOptions& options) {
  auto objects = ReadFleetObjects(ResolveSource(options.fleet));
  if (!objects) return Fail(streams, objects.error());
  const Fleet fleet(std::move(*objects));
  const auto sampled = Sample(fleet, std::chrono::system_clock::now());
  Table nodes({{"NODE"},
               {"TOTAL"},
               {"WIRED"},
               {"MODELS"},
               {"OTHER"},
               {"COMPRESSED"},
               {"RECLAIMABLE"},
               {"FREE"},
               {"RESERVED", true},
               {"SWAP", true},
               {"PRESSURE"}});
  Table models({{"NODE"},
                {"MODEL"},
                {"STATE"},
                {"FOOTPRINT"},
                {"ESTIMATE"},
                {"OF ESTIMATE"},
                {"RESIDENT", true},
                {"PEAK", true}});
  Json list = Json::MakeArray();
  bool answered = sampled.empty();  // one dead Mac of many is told, and no failure
  for (const Sampled& one : sampled) {
    if (!one.problem.empty()) {
      streams.err << "headroom: node " << one.node << ": " << one.problem << "\n";
      continue;
    }
    answered = true;
    Json item = one.stats;
    item.Set("node", one.node);
    list.Append(std::move(item));
    std::vector<Cell> cells{one.node, Bytes(one.stats, {"total"})};
    for (const std::string_view part : kParts)
      cells.emplace_back(Bytes(one.stats, {"parts", part}));
    cells.emplace_back(Bytes(one.stats, {"swapUsed"}));
    const std::string pressure = StringOr(one.stats, {"pressure"});
    cells.emplace_back(pressure, ToneOfPressure(pressure));
    nodes.Add(std::move(cells));
    AddModels(models, one);
  }
  if (IsDocument(options.format)) {
    PrintDocument(streams.out, list, options.format);
    return answered ? kDone : kFailed;
  }
  const bool wide = options.format == Format::kWide;
  if (!nodes.empty()) nodes.Print(streams.out, wide, streams.color);
  if (!models.empty()) {
    streams.out << "\n";
    models.Print(streams.out, wide, streams.color);
  }
  return answered ? kDone : kFailed;
}

}  // namespace

int RunTop(const Arguments& arguments, Streams streams) {
  ViewOptions options;
  Flags flags("headroom top",
              "headroom top [FLAGS]\n"
              "What takes the memory of each machine now, in parts that sum to its total, and each "
              "model's footprint against its estimate. Asks the exporters themselves.");
  AddViewFlags(flags, options);
  const auto [parsed, exit_code] = ParseFlags(flags, arguments, streams);
  if (!parsed) return exit_code;
  if (!parsed->positional.empty()) return NoArguments("top", streams);
  return Show(streams, options.watch, [&options](Streams to) { return Print(to, options); });
}

}  // namespace headroom::cli

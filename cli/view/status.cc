#include <algorithm>

#include "cli/view/view.h"
#include "common/quantity.h"

namespace headroom::cli {
namespace {

struct StatusOptions : ViewOptions {
  std::string ns;
  std::string model;  // "" = all
};

// From the objects of a cluster; of machines without one from their exporters, who alone know.
Result<std::vector<ModelState>> ReadStates(const StatusOptions& options) {
  const FleetSource source = ResolveSource(options.fleet);
  auto objects = ReadFleetObjects(source);
  if (!objects) return objects.error();
  const Fleet fleet(std::move(*objects));
  std::vector<ModelState> states;
  if (!source.kubeconfig.empty()) {
    for (const Wanted& wanted : fleet.wanted()) states.push_back(StateOf(wanted));
    return states;
  }
  for (const kube::Node* node : fleet.nodes()) {
    const std::string exporter = ExporterOf(*node, std::chrono::system_clock::now());
    if (exporter.empty()) continue;
    const auto models = GetJson(exporter, "/v1/models");
    if (!models) return models.error().Within("node " + node->meta.name);
    for (ModelState& state : StatesOf(*models)) states.push_back(std::move(state));
  }
  return states;
}

bool Wants(const StatusOptions& options, const ModelState& state) {
  if (!options.ns.empty() && state.ns != options.ns) return false;
  return options.model.empty() || options.model == state.name ||
         options.model == state.ns + "/" + state.name;
}

int Print(Streams streams, const StatusOptions& options) {
  auto states = ReadStates(options);
  if (!states) return Fail(streams, states.error());
  std::erase_if(*states, [&](const ModelState& state) { return !Wants(options, state); });
  if (states->empty() && !options.model.empty()) {
    return Fail(streams, Error(Code::kNotFound,
                               "model '" + options.model + "' is not among those that are to run"));
  }
  Table table({{"NAMESPACE"},
               {"NAME"},
               {"NODE"},
               {"PHASE"},
               {"NEEDS"},
               {"RESTARTS"},
               {"ENDPOINT"},
               {"KIND", true},
               {"MESSAGE", true}});
  Json list = Json::MakeArray();
  for (const ModelState& state : *states) {
    list.Append(ToJson(state));
    table.Add({state.ns,
               state.name,
               state.node,
               {state.phase, ToneOfPhase(state.phase)},
               BytesOr(state.footprint),
               std::to_string(state.restarts),
               state.endpoint,
               state.kind,
               state.message.substr(0, state.message.find('\n'))});
  }
  if (IsDocument(options.format)) {
    PrintDocument(streams.out, list, options.format);
    return kDone;
  }
  if (table.empty()) {
    streams.err << "headroom: no model is to run\n";
    return kDone;
  }
  table.Print(streams.out, options.format == Format::kWide, streams.color);
  // Of one model the whole story, not a line of it.
  for (const ModelState& state : *states) {
    if (!options.model.empty() && !state.message.empty())
      streams.out << "\n" << state.message << "\n";
  }
  return kDone;
}

}  // namespace

int RunStatus(const Arguments& arguments, Streams streams) {
  StatusOptions options;
  Flags flags("headroom status",
              "headroom status [MODEL] [FLAGS]\n"
              "What runs where: phase, what each model needs, restarts and endpoint; of one MODEL "
              "(NAME or NAMESPACE/NAME) also why.");
  flags.Add("namespace,n", options.ns, "NAMESPACE", "only models of this namespace; empty = all");
  AddViewFlags(flags, options);
  const auto [parsed, exit_code] = ParseFlags(flags, arguments, streams);
  if (!parsed) return exit_code;
  if (parsed->positional.size() > 1) {
    return Fail(streams, Error(Code::kInvalid, "status: expected one MODEL or none"), kUsage);
  }
  if (!parsed->positional.empty()) options.model = parsed->positional[0];
  return Show(streams, options.watch, [&options](Streams to) { return Print(to, options); });
}

}  // namespace headroom::cli

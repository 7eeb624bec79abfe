#include <algorithm>

#include "cli/cluster.h"
#include "cli/view/view.h"

namespace headroom::cli {
namespace {

struct EventsOptions : ViewOptions {
  std::string ns;
};

struct Seen {
  std::string when;  // RFC 3339 sorts as text
  const Json* event;
};

bool IsOurs(const Json& event, const EventsOptions& options) {
  const std::string kind = StringOr(event, {"involvedObject", "kind"});
  const std::string component = StringOr(event, {"source", "component"});
  const bool model = kind == "Model" || kind == "InferenceService";
  const bool node = kind == "Node" && component.starts_with("headroom");
  return (model || node) &&
         (options.ns.empty() || StringOr(event, {"metadata", "namespace"}) == options.ns);
}

std::string TimeOf(const Json& event) {
  for (const char* field : {"lastTimestamp", "eventTime", "firstTimestamp"}) {
    std::string time = StringOr(event, {field});
    if (!time.empty()) return time;
  }
  return StringOr(event, {"metadata", "creationTimestamp"});
}

int Print(Streams streams, const EventsOptions& options) {
  const FleetSource source = ResolveSource(options.fleet);
  if (source.kubeconfig.empty()) {
    return Fail(streams, Error(Code::kInvalid,
                               "events are kept by a cluster: expected --kubeconfig FILE; without "
                               "one, headroom status tells what a machine does"));
  }
  auto cluster = Cluster::Connect(source.kubeconfig);
  if (!cluster) return Fail(streams, cluster.error());
  const auto events = (*cluster)->List(kube::kEventType);
  if (!events) return Fail(streams, events.error());
  std::vector<Seen> seen;
  for (const Json& event : *events) {
    if (IsOurs(event, options)) seen.push_back({TimeOf(event), &event});
  }
  std::stable_sort(seen.begin(), seen.end(),
                   [](const Seen& a, const Seen& b) { return a.when < b.when; });
  Table table({{"LAST SEEN"},
               {"TYPE"},
               {"REASON"},
               {"OBJECT"},
               {"COUNT", true},
               {"FROM", true},
               {"MESSAGE"}});
  Json list = Json::MakeArray();
  const WallTime now = std::chrono::system_clock::now();
  for (const auto& [when, event] : seen) {
    list.Append(*event);
    const auto time = ParseRfc3339(when);
    const std::string type = StringOr(*event, {"type"});
    const std::string message = StringOr(*event, {"message"});
    table.Add({Age(time ? std::optional(*time) : std::nullopt, now),
               {type, type == "Warning" ? Tone::kWarn : Tone::kPlain},
               StringOr(*event, {"reason"}),
               StringOr(*event, {"involvedObject", "kind"}) + " " +
                   StringOr(*event, {"involvedObject", "namespace"}) + "/" +
                   StringOr(*event, {"involvedObject", "name"}),
               std::to_string(IntOr(*event, {"count"}, 1)),
               StringOr(*event, {"source", "host"}),
               message.substr(0, message.find('\n'))});
  }
  if (IsDocument(options.format)) {
    PrintDocument(streams.out, list, options.format);
  } else if (table.empty()) {
    streams.err << "headroom: no events of models\n";
  } else {
    table.Print(streams.out, options.format == Format::kWide, streams.color);
  }
  return kDone;
}

}  // namespace

int RunEvents(const Arguments& arguments, Streams streams) {
  EventsOptions options;
  Flags flags("headroom events",
              "headroom events [FLAGS]\n"
              "What happened to models and their machines, the newest last, from the cluster's "
              "events.");
  flags.Add("namespace,n", options.ns, "NAMESPACE", "only this namespace; empty = all");
  AddViewFlags(flags, options);
  const auto [parsed, exit_code] = ParseFlags(flags, arguments, streams);
  if (!parsed) return exit_code;
  if (!parsed->positional.empty()) return NoArguments("events", streams);
  return Show(streams, options.watch, [&options](Streams to) { return Print(to, options); });
}

}  // namespace headroom::cli

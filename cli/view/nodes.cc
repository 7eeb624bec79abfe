#include "cli/view/view.h"
#include "common/checked.h"
#include "common/quantity.h"

namespace headroom::cli {
namespace {

struct Row {
  const kube::Node* node;
  std::string status;
  uint64_t budget = 0, headroom = 0;
};

// Whether a node can be given a model, in one word.
std::string StatusOf(const kube::Node& node, WallTime now) {
  if (!node.publishes) return "NoExporter";
  if (!node.capacity.invalid.empty()) return "Invalid";
  if (estimator::IsStale(node.capacity, now)) return "Stale";
  return node.capacity.schedulable ? "Ready" : "Unschedulable";
}

Row RowOf(const kube::Node& node, WallTime now) {
  Row row{&node, StatusOf(node, now), 0, 0};
  const auto budget = estimator::ResolveBudget({}, node.capacity);
  if (!node.publishes || !budget) return row;
  row.budget = budget->bytes;
  row.headroom = SaturatingSub(budget->bytes, node.capacity.committed);
  return row;
}

Json ToJson(const Row& row) {
  const estimator::NodeCapacity& c = row.node->capacity;
  Json out = Json::MakeObject();
  out.Set("name", row.node->meta.name);
  out.Set("status", row.status);
  out.Set("memoryTotal", c.memory_total);
  out.Set("budget", row.budget);
  out.Set("budgetSource", c.budget_source);
  out.Set("committed", c.committed);
  out.Set("headroom", row.headroom);
  out.Set("available", c.available);
  out.Set("wired", c.wired);
  out.Set("gpuWorkingSet", c.gpu_working_set);
  out.Set("pressure", c.pressure);
  out.Set("accelerator", c.accelerator);
  out.Set("runtimeVersion", c.runtime_version);
  out.Set("agentVersion", c.agent_version);
  out.Set("metricsAddress", c.metrics_address);
  out.Set("observedAt", c.observed_at ? Json(FormatRfc3339(*c.observed_at)) : Json());
  if (!c.invalid.empty()) out.Set("problem", c.invalid);
  return out;
}

std::vector<Cell> CellsOf(const Row& row, WallTime now) {
  const estimator::NodeCapacity& c = row.node->capacity;
  const Tone tone = row.status == "Ready" ? Tone::kGood : Tone::kBad;
  return {row.node->meta.name,
          {row.status, tone},
          FormatBytes(c.memory_total),
          FormatBytes(row.budget),
          FormatBytes(c.committed),
          FormatBytes(row.headroom),
          {c.pressure, ToneOfPressure(c.pressure)},
          Age(c.observed_at, now),
          c.budget_source,
          FormatBytes(c.available),
          FormatBytes(c.wired),
          c.gpu_working_set > 0 ? FormatBytes(c.gpu_working_set) : "",
          c.accelerator,
          c.runtime_version,
          c.metrics_address};
}

int Print(Streams streams, const ViewOptions& options) {
  auto objects = ReadFleetObjects(ResolveSource(options.fleet));
  if (!objects) return Fail(streams, objects.error());
  const Fleet fleet(std::move(*objects));
  const WallTime now = std::chrono::system_clock::now();
  Table table({{"NAME"},
               {"STATUS"},
               {"TOTAL"},
               {"BUDGET"},
               {"COMMITTED"},
               {"HEADROOM"},
               {"PRESSURE"},
               {"SEEN"},
               {"SOURCE", true},
               {"AVAILABLE", true},
               {"WIRED", true},
               {"GPU LIMIT", true},
               {"ACCELERATOR", true},
               {"LLAMA.CPP", true},
               {"EXPORTER", true}});
  Json list = Json::MakeArray();
  for (const kube::Node* node : fleet.nodes()) {
    // A cluster has other nodes too; only a Mac without an exporter is worth a line.
    const auto os = node->meta.labels.find("kubernetes.io/os");
    const bool mac = os != node->meta.labels.end() && os->second == "darwin";
    if (!node->publishes && !mac) continue;
    const Row row = RowOf(*node, now);
    list.Append(ToJson(row));
    table.Add(CellsOf(row, now));
  }
  if (IsDocument(options.format)) {
    PrintDocument(streams.out, list, options.format);
  } else if (table.empty()) {
    streams.err << "headroom: no node publishes its memory; start headroom-exporter on one\n";
  } else {
    table.Print(streams.out, options.format == Format::kWide, streams.color);
  }
  return kDone;
}

}  // namespace

int RunNodes(const Arguments& arguments, Streams streams) {
  ViewOptions options;
  Flags flags("headroom nodes",
              "headroom nodes [FLAGS]\n"
              "The machines: memory, the budget for models, what is committed of it and what is "
              "left (headroom), as each exporter published it.");
  AddViewFlags(flags, options);
  const auto [parsed, exit_code] = ParseFlags(flags, arguments, streams);
  if (!parsed) return exit_code;
  if (!parsed->positional.empty()) return NoArguments("nodes", streams);
  return Show(streams, options.watch, [&options](Streams to) { return Print(to, options); });
}

}  // namespace headroom::cli

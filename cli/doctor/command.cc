#include "cli/doctor/gather.h"
#include "cli/fleet/reader.h"
#include "cli/output/format.h"

namespace headroom::cli {
namespace {

struct DoctorOptions {
  bool cluster = false;
  std::string kubeconfig, node;
  MachineQuestions machine;
  Format format = Format::kTable;
};

void AddFlags(Flags& flags, DoctorOptions& options) {
  flags.Add("cluster", options.cluster, "examine the cluster instead of this machine");
  flags.Add("kubeconfig", options.kubeconfig, "FILE",
            "the cluster (implies --cluster); else $KUBECONFIG, else ~/.kube/config");
  flags.Add("node", options.node, "NAME",
            "also ask whether this kubeconfig has the rights of that node's exporter");
  flags.Add("llama-server", options.machine.llama_server, "PROGRAM",
            "the llama-server that the exporter runs");
  flags.Add("state-dir", options.machine.state_dir, "DIR",
            "the exporter's state folder; ~/.local/state/headroom if empty");
  flags.Add("model", options.machine.models, "FILE",
            "compare the estimate of FILE with the installed llama.cpp's own; if none is given, of "
            "the newest that the exporter fetched");
  AddFormatFlag(flags, options.format);
}

Result<std::vector<Finding>> Examine(const DoctorOptions& options) {
  if (!options.cluster && options.kubeconfig.empty()) {
    return JudgeMachine(GatherMachine(options.machine));
  }
  const FleetSource source = ResolveSource({options.kubeconfig, {}, ""});
  if (source.kubeconfig.empty()) {
    return Error(Code::kInvalid, "doctor --cluster: expected --kubeconfig FILE (or $KUBECONFIG)");
  }
  auto cluster = Cluster::Connect(source.kubeconfig);
  if (!cluster) return cluster.error();
  return JudgeCluster(GatherCluster(**cluster, options.node), std::chrono::system_clock::now());
}

}  // namespace

int RunDoctor(const Arguments& arguments, Streams streams) {
  DoctorOptions options;
  Flags flags("headroom doctor",
              "headroom doctor [FLAGS]\n"
              "Examines this machine (llama-server, estimates against its own, Metal, exporter, "
              "store, ports), or with "
              "--cluster the cluster (CRDs, webhook and its certificate, rights, nodes), and says "
              "what to do about what it finds. Exit code 1: something does not work.");
  AddFlags(flags, options);
  const auto [parsed, exit_code] = ParseFlags(flags, arguments, streams);
  if (!parsed) return exit_code;
  if (!parsed->positional.empty()) return NoArguments("doctor", streams);
  const auto findings = Examine(options);
  if (!findings) return Fail(streams, findings.error());
  if (IsDocument(options.format)) {
    PrintDocument(streams.out, FindingsJson(*findings), options.format);
  } else {
    streams.out << FindingsText(*findings, streams.color);
  }
  return AnyFailure(*findings) ? kFailed : kDone;
}

}  // namespace headroom::cli

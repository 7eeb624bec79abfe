#include "cli/cluster.h"
#include "cli/deploy/objects.h"
#include "cli/fleet/header_reader.h"
#include "cli/fleet/reader.h"
#include "cli/output/format.h"
#include "common/yaml.h"

namespace headroom::cli {
namespace {

struct DeployOptions {
  Deployment deployment;
  FleetOptions fleet;
  HeaderOptions headers;
  Format format = Format::kTable;
  std::string dry_run;
};

void AddFlags(Flags& flags, DeployOptions& options) {
  Deployment& d = options.deployment;
  flags.Add("context", d.context, "TOKENS", "context over all slots; 0 = 2048, LLMKube's default");
  flags.Add("parallel", d.parallel, "N", "slots; 0 = llama-server's own choice");
  flags.Add("cache-type-k", d.cache_type_k, "TYPE", "type of the K cache; f16 if empty");
  flags.Add("cache-type-v", d.cache_type_v, "TYPE", "type of the V cache; f16 if empty");
  flags.Add("cache-ram", d.cache_ram, "MIB", "limit of the prompt cache; -1 = none, -2 = not said");
  flags.Add("memory-fraction", d.memory_fraction, "NUMBER",
            "share of a node's memory that this model may count on");
  flags.Add("memory-budget", d.memory_budget, "QUANTITY", "the same in bytes, as in 24Gi");
  flags.Add("node", d.node, "NAME", "serve on this node only");
  flags.Add("mmproj", d.mmproj, "SOURCE", "projector of a model that sees");
  flags.Add("sha256", d.sha256, "HEX", "digest the downloaded file must have");
  flags.Add("namespace,n", d.ns, "NAMESPACE", "where the objects are made");
  flags.Add("dry-run", options.dry_run, "client|server",
            "client: print the objects, ask nobody; server: ask, and keep nothing");
  AddFormatFlag(flags, options.format);
  AddFleetFlags(flags, options.fleet);
  AddHeaderFlags(flags, options.headers);
}

void PrintObjects(Streams streams, const std::vector<Json>& objects, Format format) {
  if (format == Format::kJson) {
    Json list = Json::MakeObject();
    list.Set("apiVersion", "v1");
    list.Set("kind", "List");
    list.Set("items", Json(Json::Array(objects)));
    PrintDocument(streams.out, list, format);
    return;
  }
  for (size_t i = 0; i < objects.size(); ++i) {
    streams.out << (i == 0 ? "" : "---\n") << WriteYaml(objects[i]);
  }
}

// True when it fits; the refusal has been printed otherwise.
Result<bool> Fits(Streams streams, const DeployOptions& options, const std::vector<Json>& objects,
                  const FleetSource& source) {
  auto existing = ReadFleetObjects(source);
  if (!existing) return existing.error();
  for (const Json& object : objects) Overlay(*existing, object);
  const Fleet fleet(std::move(*existing));
  const Deployment& d = options.deployment;
  const Wanted* wanted = fleet.Find("InferenceService/" + d.ns + "/" + d.name);
  if (wanted == nullptr) return Error(Code::kInvalid, "deploy: made no workload");
  const WallTime now = std::chrono::system_clock::now();
  std::string quantization;
  const HeaderReader read = MakeHeaderReader(options.headers, now, streams.progress);
  const HeaderReader noting = [&](const std::string& text, const auto& targets) {
    auto header = read(text, targets);
    if (header && text == d.source) quantization = header->model.quantization;
    return header;
  };
  Judge judge(noting, {.allow_unknown = false, .now = now});
  const estimator::Verdict verdict = judge.Decide(fleet, wanted->workload);
  if (!verdict.allowed) streams.err << RefusalText(verdict, d.name, quantization);
  return verdict.allowed;
}

int Deploy(Streams streams, const DeployOptions& options) {
  const auto objects = DeploymentObjects(options.deployment);
  if (options.dry_run == "client") {
    PrintObjects(streams, objects, options.format);
    return kDone;
  }
  const FleetSource source = ResolveSource(options.fleet);
  const auto fits = Fits(streams, options, objects, source);
  if (!fits) return Fail(streams, fits.error());
  if (!*fits) return kFailed;
  if (options.dry_run == "server") {
    streams.out << options.deployment.name << " fits; nothing was made (dry run)\n";
    return kDone;
  }
  if (source.kubeconfig.empty()) {
    return Fail(streams, Error(Code::kInvalid,
                               "deploy: it fits, but there is no cluster to make it in; for this "
                               "machine: headroom deploy ... --dry-run client | headroom apply -f "
                               "- --manifests DIR"));
  }
  auto cluster = Cluster::Connect(source.kubeconfig);
  if (!cluster) return Fail(streams, cluster.error());
  for (const Json& object : objects) {
    const auto line = (*cluster)->Apply(object);
    if (!line) return Fail(streams, line.error());
    streams.out << *line << "\n";
  }
  return kDone;
}

}  // namespace

int RunDeploy(const Arguments& arguments, Streams streams) {
  DeployOptions options;
  Flags flags("headroom deploy",
              "headroom deploy NAME SOURCE [FLAGS]\n"
              "Makes a Model and an InferenceService that serves it, when it fits; SOURCE is what "
              "spec.source takes: https://, hf://OWNER/REPO/FILE, or a path on the node.");
  AddFlags(flags, options);
  const auto [parsed, exit_code] = ParseFlags(flags, arguments, streams);
  if (!parsed) return exit_code;
  if (parsed->positional.size() != 2) {
    return Fail(streams,
                Error(Code::kInvalid,
                      "deploy: expected NAME and SOURCE, as in: headroom "
                      "deploy llama hf://owner/repo/model.gguf"),
                kUsage);
  }
  options.deployment.name = parsed->positional[0];
  options.deployment.source = parsed->positional[1];
  if (!options.dry_run.empty() && options.dry_run != "client" && options.dry_run != "server") {
    return Fail(streams,
                Error(Code::kInvalid,
                      "--dry-run: expected client or server, got '" + options.dry_run + "'"),
                kUsage);
  }
  if (auto ok = CheckDeployment(options.deployment); !ok) return Fail(streams, ok.error(), kUsage);
  if (auto ok = sources::ParseSource(options.deployment.source); !ok) {
    return Fail(streams, ok.error(), kUsage);
  }
  return Deploy(streams, options);
}

}  // namespace headroom::cli

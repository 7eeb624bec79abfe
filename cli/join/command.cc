#include <filesystem>

#include "certs/certs.h"
#include "cli/fleet/reader.h"
#include "cli/join/credentials.h"
#include "cli/output/format.h"
#include "common/files.h"
#include "common/yaml.h"

namespace headroom::cli {
namespace {

struct JoinOptions {
  JoinIdentity identity;
  std::string kubeconfig, folder, dry_run;
  std::chrono::milliseconds lifetime = std::chrono::hours(24 * 365);
};

void AddFlags(Flags& flags, JoinOptions& options) {
  flags.Add("credential", "certificate|token",
            "a client certificate that the cluster signs, or a bound service account token",
            "certificate", [&options](std::string_view text) -> Result<void> {
              if (text != "certificate" && text != "token") {
                return Error(Code::kInvalid,
                             "expected certificate or token, got '" + std::string(text) + "'");
              }
              options.identity.credential =
                  text == "token" ? Credential::kToken : Credential::kCertificate;
              return {};
            });
  flags.Add("duration", options.lifetime, "how long the credential is good for");
  flags.Add("namespace,n", options.identity.ns, "NAMESPACE",
            "of the service account, with --credential token");
  flags.Add("out", options.folder, "DIR", "where the Mac's files are written; ./NAME if empty");
  flags.Add("dry-run", options.dry_run, "client", "print the objects as YAML, change nothing");
  flags.Add("kubeconfig", options.kubeconfig, "FILE",
            "administrator's kubeconfig; else $KUBECONFIG, else ~/.kube/config");
}

Result<std::string> CaPem(const kube::Config& config) {
  if (!config.ca_pem.empty()) return config.ca_pem;
  if (!config.ca_file.empty()) return ReadFile(config.ca_file);
  return Error(Code::kInvalid,
               "the kubeconfig names no certificate authority; the Mac's needs one");
}

Result<void> WriteFiles(const JoinOptions& options, const kube::Config& config,
                        const std::string& credential) {
  const auto ca = CaPem(config);
  if (!ca) return ca.error();
  std::error_code failed;
  std::filesystem::create_directories(options.folder, failed);
  if (failed) return Error(Code::kIo, options.folder + ": " + failed.message());
  const bool token = options.identity.credential == Credential::kToken;
  const std::string kubeconfig = MakeKubeconfig(
      options.identity,
      {config.server.ToString(), config.tls_server_name, options.identity.credential});
  const std::tuple<std::string, std::string, unsigned> files[] = {
      {kCaFile, *ca, 0644},
      {token ? kTokenFile : kClientFile, credential, 0600},
      {"kubeconfig", kubeconfig, 0600}};
  for (const auto& [name, text, mode] : files) {
    if (auto ok = WriteFileAtomically(options.folder + "/" + name, text, mode); !ok) {
      return ok.error();
    }
  }
  return {};
}

// Kubernetes keeps certificates from ten minutes on; less is a slip of the unit.
Result<void> CheckOptions(const JoinOptions& options) {
  if (!options.dry_run.empty() && options.dry_run != "client") {
    return Error(Code::kInvalid, "--dry-run: expected client, got '" + options.dry_run + "'");
  }
  if (options.lifetime < std::chrono::minutes(10)) {
    return Error(Code::kInvalid, "--duration: expected at least 10m");
  }
  return CheckNodeName(options.identity.node);
}

int Join(Streams streams, JoinOptions options) {
  const FleetSource source = ResolveSource({options.kubeconfig, {}, ""});
  if (source.kubeconfig.empty()) {
    return Fail(streams,
                Error(Code::kInvalid,
                      "join: expected --kubeconfig FILE of an "
                      "administrator (or $KUBECONFIG)"),
                kUsage);
  }
  auto cluster = Cluster::Connect(source.kubeconfig);
  if (!cluster) return Fail(streams, cluster.error());
  for (const Json& object : JoinObjects(options.identity)) {
    const auto line = (*cluster)->Apply(object);
    if (!line) return Fail(streams, line.error());
    streams.err << *line << "\n";
  }
  const auto lifetime = std::chrono::duration_cast<std::chrono::seconds>(options.lifetime);
  const bool token = options.identity.credential == Credential::kToken;
  const auto credential = token ? BoundToken(**cluster, options.identity, lifetime)
                                : SignedCertificate(**cluster, options.identity, lifetime);
  if (!credential) return Fail(streams, credential.error());
  if (auto written = WriteFiles(options, (*cluster)->config(), *credential); !written) {
    return Fail(streams, written.error());
  }
  streams.out << "node " << options.identity.node << " may join: " << options.folder
              << "/kubeconfig\n";
  if (const auto info = certs::Describe(*credential); !token && info) {
    streams.out << "certificate good until " << FormatRfc3339(info->not_after)
                << "; renew it with the same command, the exporter reads it again\n";
  }
  streams.out << "\nCopy the folder to the Mac and start there:\n"
              << "  headroom-exporter --node-name " << options.identity.node
              << " --kubeconfig DIR/kubeconfig --model-host 0.0.0.0 --listen 0.0.0.0:19834\n";
  return kDone;
}

}  // namespace

int RunJoin(const Arguments& arguments, Streams streams) {
  JoinOptions options;
  Flags flags("headroom join",
              "headroom join NAME [FLAGS]\n"
              "Lets one Mac join the cluster: rights on its own Node and Lease and on the models "
              "it serves, a credential of its own, and the kubeconfig for headroom-exporter there. "
              "Run again to renew the credential.");
  AddFlags(flags, options);
  const auto [parsed, exit_code] = ParseFlags(flags, arguments, streams);
  if (!parsed) return exit_code;
  if (parsed->positional.size() != 1) {
    return Fail(streams,
                Error(Code::kInvalid,
                      "join: expected the NAME of one Mac, as in: "
                      "headroom join mac-studio-1"),
                kUsage);
  }
  options.identity.node = parsed->positional[0];
  if (auto ok = CheckOptions(options); !ok) return Fail(streams, ok.error(), kUsage);
  if (options.folder.empty()) options.folder = options.identity.node;
  if (options.dry_run.empty()) return Join(streams, std::move(options));
  bool first = true;
  for (const Json& object : JoinObjects(options.identity)) {
    streams.out << (first ? "" : "---\n") << WriteYaml(object);
    first = false;
  }
  return kDone;
}

}  // namespace headroom::cli

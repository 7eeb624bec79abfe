#include "cli/fleet/reader.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "cli/await.h"
#include "cli/cluster.h"
#include "common/files.h"
#include "kube/manifest.h"
#include "net/http_client.h"

namespace headroom::cli {
namespace {

namespace asio = boost::asio;
using kube::Kind;

constexpr std::chrono::seconds kFetchTimeout{10};
constexpr size_t kMaxFile = 64u << 20;

bool IsUrl(std::string_view text) {
  return text.starts_with("http://") || text.starts_with("https://");
}

Result<std::string> Fetch(const std::string& text) {
  const auto url = net::ParseUrl(text);
  if (!url) return url.error();
  asio::io_context io(1);
  net::HttpClient client(io.get_executor());
  net::HttpRequest request;
  auto answer = Await(io, client.Fetch(*url, std::move(request), net::After(kFetchTimeout)));
  if (!answer) return answer.error();
  if (answer->status != 200) {
    return Error(Code::kUnavailable, text + ": HTTP " + std::to_string(answer->status));
  }
  return std::move(answer->body);
}

Result<void> Append(std::vector<Json>& out, const std::string& text, const std::string& origin) {
  auto objects = kube::ParseManifests(text, origin);
  if (!objects) return objects.error();
  out.insert(out.end(), std::make_move_iterator(objects->begin()),
             std::make_move_iterator(objects->end()));
  return {};
}

Result<void> AppendNodes(std::vector<Json>& out, const std::string& nodes) {
  const std::string where = NodeUrl(nodes);
  const auto text = IsUrl(where) ? Fetch(where) : ReadFile(where, kMaxFile);
  if (!text) return text.error().Within("--nodes");
  return Append(out, *text, where);
}

Result<void> AppendFolder(std::vector<Json>& out, const std::string& folder) {
  std::error_code failed;
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failed)) {
    const std::string extension = entry.path().extension().string();
    if (extension == ".yaml" || extension == ".yml" || extension == ".json") {
      files.push_back(entry.path().string());
    }
  }
  if (failed) return Error(Code::kNotFound, "--manifests: " + folder + ": " + failed.message());
  std::sort(files.begin(), files.end());
  for (const std::string& file : files) {
    const auto text = ReadFile(file);
    if (!text) return text.error();
    if (auto added = Append(out, *text, file); !added) return added.error();
  }
  return {};
}

Result<void> AppendCluster(std::vector<Json>& out, const std::string& kubeconfig) {
  auto cluster = Cluster::Connect(kubeconfig);
  if (!cluster) return cluster.error();
  for (const Kind kind : {Kind::kNode, Kind::kModel, Kind::kInferenceService}) {
    auto items = (*cluster)->List(kube::TypeOf(kind));
    if (!items && items.error().code() == Code::kNotFound) {
      return Error(Code::kNotFound, "the cluster has no " + std::string(kube::TypeOf(kind).plural) +
                                        ".inference.llmkube.dev: install the CRDs of the chart");
    }
    if (!items) return items.error();
    out.insert(out.end(), items->begin(), items->end());
  }
  return {};
}

}  // namespace

void AddFleetFlags(Flags& flags, FleetOptions& options) {
  flags.Add("kubeconfig", options.kubeconfig, "FILE",
            "the cluster to ask; else $KUBECONFIG, else ~/.kube/config");
  flags.Add("nodes", options.nodes, "FILE|URL",
            "Node objects instead of a cluster's: a file, or an exporter's http://HOST:PORT");
  flags.Add("manifests", options.manifests, "DIR",
            "accepted manifests of a machine without Kubernetes, beside --nodes");
}

FleetSource ResolveSource(const FleetOptions& options,
                          const std::function<const char*(const char*)>& getenv,
                          const std::function<bool(const std::string&)>& exists) {
  FleetSource source{options.kubeconfig, options.nodes, options.manifests};
  if (!source.kubeconfig.empty()) return source;
  if (source.nodes.empty() && source.manifests.empty()) {
    const char* variable = getenv("KUBECONFIG");
    const char* home = getenv("HOME");
    if (variable != nullptr && *variable != '\0') {
      source.kubeconfig = variable;
    } else if (home != nullptr && exists(std::string(home) + "/.kube/config")) {
      source.kubeconfig = std::string(home) + "/.kube/config";
    }
  }
  if (source.kubeconfig.empty() && source.nodes.empty()) source.nodes = {kLocalExporter};
  return source;
}

FleetSource ResolveSource(const FleetOptions& options) {
  return ResolveSource(
      options, [](const char* name) { return std::getenv(name); },
      [](const std::string& path) {
        std::error_code error;
        return std::filesystem::exists(path, error);
      });
}

std::string NodeUrl(const std::string& text) {
  const auto url = net::ParseUrl(text);
  if (!IsUrl(text) || !url || url->target != "/") return text;
  return url->scheme + "://" + url->HostHeader() + "/v1/node";
}

Result<std::vector<Json>> ReadFleetObjects(const FleetSource& source) {
  std::vector<Json> objects;
  if (!source.kubeconfig.empty()) {
    if (auto added = AppendCluster(objects, source.kubeconfig); !added) return added.error();
  }
  for (const std::string& nodes : source.nodes) {
    if (auto added = AppendNodes(objects, nodes); !added) return added.error();
  }
  if (!source.manifests.empty()) {
    if (auto added = AppendFolder(objects, source.manifests); !added) return added.error();
  }
  return objects;
}

Result<Json> GetJson(const std::string& url, const std::string& path) {
  const auto text = Fetch((IsUrl(url) ? url : "http://" + url) + path);
  if (!text) return text.error();
  return ParseJson(*text);
}

}  // namespace headroom::cli

#include "webhook/feeds.h"

#include <filesystem>

#include "common/files.h"
#include "kube/config.h"

namespace headroom::webhook {
namespace {

namespace asio = boost::asio;
using kube::Kind;

constexpr std::chrono::milliseconds kPollInterval{1'000};
constexpr Kind kKinds[] = {Kind::kNode, Kind::kModel, Kind::kInferenceService};

kube::ObjectSink SinkFor(View& view, Kind kind) {
  return [&view, kind](kube::ObjectEvent event) { view.Apply(kind, event); };
}

// A folder holds any kind; what is none of ours is not our business.
kube::ObjectSink SinkByKind(View& view) {
  return [&view](kube::ObjectEvent event) {
    const std::string name = StringOr(event.object, {"kind"});
    for (const Kind kind : kKinds) {
      if (kind != Kind::kNode && kube::TypeOf(kind).kind == name) view.Apply(kind, event);
    }
  };
}

bool IsUrl(const std::string& text) {
  return text.starts_with("http://") || text.starts_with("https://");
}

Result<void> CheckFiles(const Options& options) {
  for (const std::string& nodes : options.nodes) {
    if (IsUrl(nodes)) {
      if (auto url = net::ParseUrl(nodes); !url) return url.error().Within("--nodes");
    } else if (auto file = ReadFile(nodes); !file) {
      return file.error().Within("--nodes");
    }
  }
  std::error_code error;
  if (!options.manifests.empty() && !std::filesystem::is_directory(options.manifests, error)) {
    return Error(Code::kNotFound,
                 "--manifests: " + options.manifests + ": is no folder; create it or name another");
  }
  return {};
}

}  // namespace

Feeds::Feeds(asio::any_io_executor executor, const Options& options, View& view)
    : options_(options), view_(view), client_(std::move(executor)) {}

Result<std::unique_ptr<Feeds>> Feeds::Make(asio::any_io_executor executor, const Options& options,
                                           View& view) {
  if (auto files = CheckFiles(options); !files) return files.error();
  std::unique_ptr<Feeds> feeds(new Feeds(executor, options, view));
  if (options.nodes.empty() || !options.kubeconfig.empty()) {
    auto config = kube::LoadConfig(options.kubeconfig);
    if (!config) {
      // In the pod the error names what is missing, and --kubeconfig and --nodes as the way out.
      return options.kubeconfig.empty() ? config.error() : config.error().Within("--kubeconfig");
    }
    auto api = kube::ApiClient::Make(std::move(executor), std::move(*config));
    if (!api) return api.error().Within("--kubeconfig");
    feeds->api_ = std::move(*api);
  }
  return feeds;
}

Feed& Feeds::Add(std::string name) {
  feeds_.push_back({std::move(name), {}});
  return feeds_.back();
}

void Feeds::SpawnCluster(net::TaskGroup& group) {
  for (const Kind kind : kKinds) {
    const kube::ResourceType& type = kube::TypeOf(kind);
    Feed& feed = Add(std::string(type.plural));
    group.Spawn(kube::RunReflector(*api_, type, SinkFor(view_, kind), feed.status,
                                   kube::kReflectorBackoff, {.fields = &kube::DecodedFields()}));
  }
}

void Feeds::Spawn(net::TaskGroup& group) {
  if (api_) SpawnCluster(group);
  for (const std::string& nodes : options_.nodes) {
    Feed& feed = Add("nodes:" + nodes);
    group.Spawn(
        kube::RunNodeList(client_, nodes, kPollInterval, SinkFor(view_, Kind::kNode), feed.status));
  }
  if (!options_.manifests.empty()) {
    Feed& feed = Add("manifests");
    group.Spawn(
        kube::RunManifestFolder(options_.manifests, kPollInterval, SinkByKind(view_), feed.status));
  }
}

std::string Feeds::Missing() const {
  if (feeds_.empty()) return "feeds are not started";
  for (const Feed& feed : feeds_) {
    if (feed.status.synced) continue;
    const std::string why = feed.status.last_error.empty() ? "" : ": " + feed.status.last_error;
    return feed.name + " has not been read yet" + why;
  }
  return "";
}

}  // namespace headroom::webhook

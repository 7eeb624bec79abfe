#include "cli/node_lookup.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <cstdlib>

#include "common/files.h"
#include "kube/client.h"
#include "kube/manifest.h"
#include "net/http_client.h"

namespace headroom::cli {
namespace asio = boost::asio;
namespace {

constexpr std::chrono::seconds kDeadline{10};
constexpr size_t kMaxNodeList = 64u << 20;  // as the daemons' --nodes

template <class T>
T RunNow(asio::io_context& io, asio::awaitable<T> work) {
  auto result = asio::co_spawn(io, std::move(work), asio::use_future);
  io.run();
  return result.get();
}

Result<std::string> Fetch(const net::Url& url) {
  asio::io_context io(1);
  net::HttpClient client(io.get_executor(), {});
  net::HttpRequest request;
  request.target = url.target;
  auto response = RunNow(io, client.Fetch(url, std::move(request), net::After(kDeadline)));
  if (!response) return response.error();
  if (response->status != 200) {
    return Error(Code::kUnavailable, "it answers HTTP " + std::to_string(response->status));
  }
  return response->body;
}

Result<std::vector<Json>> ReadList(const std::string& nodes) {
  const auto url = net::ParseUrl(nodes);
  auto text = url ? Fetch(*url) : ReadFile(nodes, kMaxNodeList);
  if (!text) return url ? text.error().Within(nodes) : text.error();
  return kube::ParseManifests(*text, nodes);
}

Result<std::vector<Json>> ReadCluster(const std::string& name, std::string kubeconfig) {
  const char* variable = std::getenv("KUBECONFIG");
  const char* home = std::getenv("HOME");
  if (kubeconfig.empty() && variable != nullptr) kubeconfig = variable;
  if (kubeconfig.empty() && home != nullptr) kubeconfig = std::string(home) + "/.kube/config";
  auto config = kube::LoadKubeconfig(kubeconfig);
  if (!config) return config.error().Within("--node without --nodes");
  asio::io_context io(1);
  auto client = kube::ApiClient::Make(io.get_executor(), std::move(*config));
  if (!client) return client.error();
  const std::string path = kube::ResourcePath(kube::TypeOf(kube::Kind::kNode), "", name);
  auto node = RunNow(io, (*client)->Get(path));
  if (!node) return node.error().Within("node " + name);
  return std::vector<Json>{std::move(*node)};
}

}  // namespace

Result<estimator::NodeCapacity> LookUpNode(const std::string& name, const NodePlace& place) {
  const auto objects =
      place.nodes.empty() ? ReadCluster(name, place.kubeconfig) : ReadList(place.nodes);
  if (!objects) return objects.error();
  std::string others;
  for (const Json& object : *objects) {
    if (StringOr(object, {"kind"}) != "Node") continue;
    kube::Node node = kube::DecodeNode(object);
    if (node.meta.name != name) {
      others += (others.empty() ? "" : ", ") + node.meta.name;
      continue;
    }
    if (!node.publishes) {
      return Error(Code::kInvalid,
                   "node " + name + " publishes no memory: is headroom-exporter running there?");
    }
    if (!node.capacity.invalid.empty()) return Error(Code::kInvalid, node.capacity.invalid);
    return node.capacity;
  }
  return Error(Code::kNotFound, place.nodes + ": has no node '" + name + "'" +
                                    (others.empty() ? "" : "; it has " + others));
}

}  // namespace headroom::cli

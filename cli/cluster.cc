#include "cli/cluster.h"

#include "cli/await.h"
#include "common/ascii.h"
#include "kube/client.h"

namespace headroom::cli {

ObjectPath PathOf(const Json& object) {
  const std::string version = StringOr(object, {"apiVersion"}), kind = StringOr(object, {"kind"});
  const std::string plural = AsciiLower(kind) + "s";
  const std::string ns = StringOr(object, {"metadata", "namespace"});
  const kube::ResourceType type{version, plural, kind, !ns.empty()};
  return {kube::ResourcePath(type, ns, ""),
          kube::ResourcePath(type, ns, StringOr(object, {"metadata", "name"}))};
}

struct Cluster::State {
  boost::asio::io_context io{1};
  std::unique_ptr<kube::ApiClient> client;
};

Cluster::Cluster(std::unique_ptr<State> state) : state_(std::move(state)) {}
Cluster::~Cluster() = default;

Result<std::unique_ptr<Cluster>> Cluster::Connect(const std::string& kubeconfig) {
  auto config = kube::LoadKubeconfig(kubeconfig);
  if (!config) return config.error();
  auto state = std::make_unique<State>();
  auto client = kube::ApiClient::Make(state->io.get_executor(), std::move(*config));
  if (!client) return client.error();
  state->client = std::move(*client);
  return std::unique_ptr<Cluster>(new Cluster(std::move(state)));
}

const kube::Config& Cluster::config() const { return state_->client->config(); }

Result<Json> Cluster::Get(const std::string& path) {
  return Await(state_->io, state_->client->Get(path));
}

Result<std::vector<Json>> Cluster::List(const kube::ResourceType& type) {
  auto list = Get(kube::ResourcePath(type, "", ""));
  if (!list) return list.error();
  std::vector<Json> out;
  Json* items = list->AsObject() != nullptr ? &list->Make({"items"}) : nullptr;
  if (items == nullptr || items->AsArray() == nullptr) return out;
  for (Json& item : *items->AsArray()) {
    item.Set("kind", type.kind);
    item.Set("apiVersion", type.group_version);
    out.push_back(std::move(item));
  }
  return out;
}

Result<Json> Cluster::Create(const std::string& path, Json object) {
  return Await(state_->io, state_->client->Create(path, std::move(object)));
}

Result<Json> Cluster::Update(const std::string& path, Json object) {
  return Await(state_->io, state_->client->Update(path, std::move(object)));
}

Result<Json> Cluster::Patch(const std::string& path, Json patch) {
  return Await(state_->io, state_->client->MergePatch(path, std::move(patch)));
}

Result<std::string> Cluster::Apply(const Json& object) {
  const ObjectPath path = PathOf(object);
  const std::string name =
      AsciiLower(StringOr(object, {"kind"})) + " " + StringOr(object, {"metadata", "name"});
  const auto created = Create(path.collection, object);
  if (created) return name + " created";
  if (created.error().code() != Code::kConflict) return created.error().Within(name);
  const auto patched = Patch(path.object, object);
  if (!patched) return patched.error().Within(name);
  return name + " configured";
}

}  // namespace headroom::cli

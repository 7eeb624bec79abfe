#include "exporter/node/endpoint_publisher.h"

#include "common/log.h"
#include "net/async.h"

namespace headroom::exporter {

namespace asio = boost::asio;

namespace {

std::string KeyOf(const EndpointChange& change) {
  return std::string(kube::TypeOf(change.kind).kind) + "/" + change.object.Key();
}

}  // namespace

asio::awaitable<void> EndpointPublisher::Apply(EndpointChange change) {
  const std::string key = KeyOf(change);
  const auto known = known_.find(key);
  if (change.port == 0 && known != known_.end()) change.port = known->second.port;
  bool gone = false;
  if (!change.ready) gone = co_await ObjectIsGone(change);
  Result<void> done = Result<void>();
  if (gone) {
    known_.erase(key);
    done = co_await Remove(change);
  } else if (change.port != 0) {  // else it was never published
    known_[key] = change;
    done = co_await Write(change);
  }
  const std::string problem = done ? "" : done.error().message();
  std::string& told = problems_[key];
  if (!problem.empty() && told != problem) {
    LogWarn("endpoint not published", {{"object", key}, {"error", problem}});
  }
  told = problem;
  if (problem.empty()) problems_.erase(key);
}

asio::awaitable<void> EndpointPublisher::Run(std::chrono::milliseconds interval) {
  for (;;) {
    co_await net::SleepFor(interval);
    // By key: Apply() of a model that goes away may change the map between two requests.
    std::vector<std::string> keys;
    for (const auto& [key, change] : known_) keys.push_back(key);
    for (const std::string& key : keys) {
      const auto it = known_.find(key);
      if (it != known_.end()) co_await Apply(it->second);
    }
  }
}

asio::awaitable<Result<void>> EndpointPublisher::Write(EndpointChange change) {
  const auto name = EndpointName(change.object.name);
  if (!name) co_return name.error();
  auto slice = EndpointSliceDocument(*name, change, node_, std::chrono::system_clock::now());
  if (!slice) co_return slice.error();
  Json service = ServiceDocument(*name, change);
  const auto put = co_await Put(kube::kServiceType, *name, std::move(service));
  if (!put) co_return put.error();
  co_return co_await Put(kube::kEndpointSliceType, *name, std::move(*slice));
}

// Creates the object, or brings one that is ours up to date; never touches another's.
asio::awaitable<Result<void>> EndpointPublisher::Put(const kube::ResourceType& type,
                                                     std::string name, Json object) {
  const std::string ns = StringOr(object, {"metadata", "namespace"});
  const std::string path = kube::ResourcePath(type, ns, name);
  const auto found = co_await api_.Get(path);
  if (!found && found.error().code() != Code::kNotFound) co_return found.error();
  if (!found) {
    const auto created = co_await api_.Create(kube::ResourcePath(type, ns, ""), std::move(object));
    if (!created) co_return created.error();
    co_return Result<void>();
  }
  if (!IsManagedEndpoint(*found)) {
    co_return Error(Code::kConflict, std::string(type.kind) + " " + ns + "/" + name +
                                         " exists and is not ours: rename it or the model");
  }
  const auto patched = co_await api_.MergePatch(path, std::move(object));
  if (!patched) co_return patched.error();
  co_return Result<void>();
}

asio::awaitable<bool> EndpointPublisher::ObjectIsGone(EndpointChange change) {
  if (change.object.deleting) co_return true;
  const kube::ResourceType& type = kube::TypeOf(change.kind);
  const auto object =
      co_await api_.Get(kube::ResourcePath(type, change.object.ns, change.object.name));
  if (!object) co_return object.error().code() == Code::kNotFound;
  const kube::Meta meta = kube::DecodeMeta(*object);
  co_return meta.deleting || meta.uid != change.object.uid;
}

asio::awaitable<Result<void>> EndpointPublisher::Remove(EndpointChange change) {
  const auto name = EndpointName(change.object.name);
  if (!name) co_return Result<void>();
  for (const kube::ResourceType* type : {&kube::kEndpointSliceType, &kube::kServiceType}) {
    const std::string path = kube::ResourcePath(*type, change.object.ns, *name);
    const auto found = co_await api_.Get(path);
    if (!found && found.error().code() == Code::kNotFound) continue;
    if (!found) co_return found.error();
    if (!IsManagedEndpoint(*found)) continue;
    const auto removed = co_await api_.Delete(path);
    if (!removed) co_return removed.error();
  }
  co_return Result<void>();
}

}  // namespace headroom::exporter

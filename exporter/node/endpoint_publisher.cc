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
  if (change.port == 0 && known != known_.end()) change.port = known->second.change.port;
  const uint64_t word = ++words_;
  known_[key] = {change, word};
  Fate fate = Fate::kKept;
  if (!change.ready) fate = co_await FateOf(change);
  // A withdrawal that waited long must not overtake what was said meanwhile.
  const auto now = known_.find(key);
  if (now == known_.end() || now->second.word != word) co_return;
  Result<void> done = Result<void>();
  if (fate == Fate::kElsewhere) {
    known_.erase(now);  // that node writes the same objects from here on
  } else if (fate == Fate::kGone) {
    known_.erase(now);
    done = co_await Remove(change);
  } else if (change.port == 0) {
    known_.erase(now);  // it was never published, at least not by us
    done = co_await WithdrawOther(change);
  } else {
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
    for (const auto& [key, last] : known_) keys.push_back(key);
    for (const std::string& key : keys) {
      const auto it = known_.find(key);
      if (it != known_.end()) co_await Apply(it->second.change);
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

// What the node that held the object before published stays, but takes no traffic.
asio::awaitable<Result<void>> EndpointPublisher::WithdrawOther(EndpointChange change) {
  const auto name = EndpointName(change.object.name);
  if (!name) co_return Result<void>();
  const std::string path = kube::ResourcePath(kube::kEndpointSliceType, change.object.ns, *name);
  const auto found = co_await api_.Get(path);
  if (!found && found.error().code() == Code::kNotFound) co_return Result<void>();
  if (!found) co_return found.error();
  const Json* endpoints = found->Find("endpoints");
  if (!IsManagedEndpoint(*found) || endpoints == nullptr || endpoints->AsArray() == nullptr) {
    co_return Result<void>();
  }
  Json::Array withdrawn = *endpoints->AsArray();
  for (Json& endpoint : withdrawn) endpoint.Make({"conditions"}).Set("ready", false);
  Json patch = Json::MakeObject();
  patch.Set("endpoints", Json(std::move(withdrawn)));
  const auto patched = co_await api_.MergePatch(path, std::move(patch));
  if (!patched) co_return patched.error();
  co_return Result<void>();
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

asio::awaitable<EndpointPublisher::Fate> EndpointPublisher::FateOf(EndpointChange change) {
  if (change.object.deleting) co_return Fate::kGone;
  const kube::ResourceType& type = kube::TypeOf(change.kind);
  const auto object =
      co_await api_.Get(kube::ResourcePath(type, change.object.ns, change.object.name));
  if (!object) {
    co_return object.error().code() == Code::kNotFound ? Fate::kGone : Fate::kKept;
  }
  co_return DecideFate(*object, change.object.uid, node_);
}

EndpointPublisher::Fate EndpointPublisher::DecideFate(const Json& object, const std::string& uid,
                                                      const std::string& node) {
  const kube::Meta meta = kube::DecodeMeta(object);
  if (meta.deleting || meta.uid != uid) return Fate::kGone;
  const auto holder = meta.annotations.find(kube::kClaimedByAnnotation);
  const bool held = holder != meta.annotations.end() && !holder->second.empty();
  return held && holder->second != node ? Fate::kElsewhere : Fate::kKept;
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

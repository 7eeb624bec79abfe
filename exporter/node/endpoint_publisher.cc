#include "exporter/node/endpoint_publisher.h"

#include "common/log.h"
#include "net/async.h"

namespace headroom::exporter {

namespace asio = boost::asio;

namespace {

std::string KeyOf(const EndpointChange& change) {
  return std::string(kube::TypeOf(change.kind).kind) + "/" + change.object.Key();
}

// Before EndpointSlices, LLMKube's agent wrote these. The cluster makes a slice of what is left of
// one, which sends a part of the traffic to where nothing listens.
constexpr kube::ResourceType kEndpointsType{"v1", "endpoints", "Endpoints", true};

constexpr std::chrono::seconds kTurnPatience{1};

}  // namespace

// While one lives nothing else is written for `key`.
class EndpointPublisher::Turn {
 public:
  Turn(EndpointPublisher& publisher, const std::string& key) : publisher_(publisher), key_(key) {
    publisher_.busy_.insert(key_);
  }
  ~Turn() {
    publisher_.busy_.erase(key_);
    publisher_.idle_.Notify();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  EndpointPublisher& publisher_;
  std::string key_;
};

bool EndpointPublisher::IsNewest(const std::string& key, uint64_t word) const {
  const auto known = known_.find(key);
  return known != known_.end() && known->second.word == word;
}

asio::awaitable<void> EndpointPublisher::Apply(EndpointChange change) {
  const std::string key = KeyOf(change);
  const auto known = known_.find(key);
  if (change.port == 0 && known != known_.end()) change.port = known->second.change.port;
  const uint64_t word = ++words_;
  known_[key] = {change, word};
  while (busy_.count(key) > 0) co_await idle_.Wait(net::After(kTurnPatience));
  if (!IsNewest(key, word)) co_return;  // what was said meanwhile holds
  const Turn turn(*this, key);
  const Result<Fate> fate = co_await FateOf(change);
  if (!IsNewest(key, word)) co_return;
  Result<void> done = Result<void>();
  if (fate) {
    done = co_await CarryOut(change, *fate);
  } else {
    done = fate.error();
  }
  // No heartbeat for what is not ours (any more); a removal that failed is tried again.
  const bool kept = fate && *fate == Fate::kKept && change.port != 0;
  if (done && !kept && IsNewest(key, word)) known_.erase(key);
  const std::string problem = done ? "" : done.error().message();
  std::string& told = problems_[key];
  if (!problem.empty() && told != problem) {
    LogWarn("endpoint not as it should be", {{"object", key}, {"error", problem}});
  }
  told = problem;
  if (problem.empty()) problems_.erase(key);
}

asio::awaitable<Result<void>> EndpointPublisher::CarryOut(EndpointChange change, Fate fate) {
  if (fate == Fate::kElsewhere) co_return Result<void>();  // that node writes the same objects
  if (fate == Fate::kGone) co_return co_await Remove(std::move(change));
  // Never published, at least not by us.
  if (change.port == 0) co_return co_await WithdrawOther(std::move(change));
  co_return co_await Write(std::move(change));
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
  const auto written = co_await Put(kube::kEndpointSliceType, *name, std::move(*slice));
  if (written) co_await ReapLegacy(change.object.ns, *name);
  co_return written;
}

// What the node that held the object before published takes no more traffic. The Service stays: it
// keeps its address until this node publishes.
asio::awaitable<Result<void>> EndpointPublisher::WithdrawOther(EndpointChange change) {
  const auto name = EndpointName(change.object.name);
  if (!name) co_return Result<void>();
  const auto removed = co_await RemoveManaged(
      kube::ResourcePath(kube::kEndpointSliceType, change.object.ns, *name), change.object.uid);
  if (!removed) co_return removed.error();
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

// An error keeps a removal from what may be another node's by now; a withdrawal is tried anyway.
asio::awaitable<Result<EndpointPublisher::Fate>> EndpointPublisher::FateOf(EndpointChange change) {
  if (change.to == EndpointChange::To::kReady) co_return Fate::kKept;
  if (change.object.deleting) co_return Fate::kGone;
  const bool removed = change.to == EndpointChange::To::kRemoved;
  const kube::ResourceType& type = kube::TypeOf(change.kind);
  const auto object =
      co_await api_.Get(kube::ResourcePath(type, change.object.ns, change.object.name));
  if (!object && object.error().code() == Code::kNotFound) co_return Fate::kGone;
  if (!object && removed) co_return object.error();
  if (!object) co_return Fate::kKept;
  const Fate fate = DecideFate(*object, change.object.uid, node_);
  co_return removed&& fate == Fate::kKept ? Fate::kGone : fate;
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
    const auto removed = co_await RemoveManaged(kube::ResourcePath(*type, change.object.ns, *name),
                                                change.object.uid);
    if (!removed) co_return removed.error();
  }
  co_await ReapLegacy(change.object.ns, *name);
  co_return Result<void>();
}

// Whether there was one of ours; another's stays.
asio::awaitable<Result<bool>> EndpointPublisher::RemoveManaged(std::string path,
                                                               std::string owner) {
  const auto found = co_await api_.Get(path);
  if (!found && found.error().code() == Code::kNotFound) co_return false;
  if (!found) co_return found.error();
  if (!IsManagedEndpoint(*found) || IsOwnedByAnother(*found, owner)) co_return false;
  const auto removed = co_await api_.Delete(path);
  if (!removed) co_return removed.error();
  co_return true;
}

// Once for each name. No error of the endpoint's own: a role may not have the rights for it.
asio::awaitable<void> EndpointPublisher::ReapLegacy(std::string ns, std::string name) {
  if (!reaped_.insert(ns + "/" + name).second) co_return;
  const auto removed = co_await RemoveManaged(kube::ResourcePath(kEndpointsType, ns, name), "");
  if (removed && *removed) {
    LogInfo("removed Endpoints that LLMKube's agent left", {{"object", ns + "/" + name}});
  } else if (!removed) {
    LogWarn("cannot look for Endpoints that LLMKube's agent left",
            {{"object", ns + "/" + name}, {"error", removed.error()}});
  }
}

}  // namespace headroom::exporter

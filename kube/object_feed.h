// Where objects come from: an API watch, a folder of manifests, or a node list (file or URL). All
// feed the same sink, so everything above is the same with and without Kubernetes.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <string>

#include "common/backoff.h"
#include "common/json.h"
#include "kube/client.h"
#include "net/http_client.h"

namespace headroom::kube {

struct ObjectEvent {
  enum class Type {
    kUpsert,  // object is new or changed
    kDelete,  // object (at least its metadata) is gone
    kSynced,  // the state of the source is complete for the first time, or again after a relist
  };
  Type type;
  Json object;
};
using ObjectSink = std::function<void(ObjectEvent)>;

// What a feed tells about its own health, for readiness and metrics.
struct FeedStatus {
  bool synced = false;
  std::string last_error;  // "" when the last contact was good
  WallTime last_contact{};
  uint64_t relists = 0, events = 0;
};

// client-go's pauses after failures; they start over after two good minutes.
inline const Backoff kReflectorBackoff{std::chrono::milliseconds(800), std::chrono::seconds(30)};

// What of a type a reflector follows: everything, or one object; whole objects, or some fields of
// them. What is named here must outlive it.
struct ReflectorScope {
  std::string_view ns = "", name = "";
  const JsonFields* fields = nullptr;
};

// List (in pages) + watch with bookmarks; 410 relists. Runs until cancelled. `type` is a constant,
// `status` belongs to the caller.
boost::asio::awaitable<void> RunReflector(ApiClient& client, const ResourceType& type,
                                          ObjectSink sink, FeedStatus& status,
                                          Backoff backoff = kReflectorBackoff,
                                          ReflectorScope scope = {});

// Objects in *.yaml, *.yml and *.json of a folder, polled every `interval`; a file that does not
// parse keeps its last good objects and is logged once per change. Objects without a namespace
// get "default".
boost::asio::awaitable<void> RunManifestFolder(std::string folder,
                                               std::chrono::milliseconds interval, ObjectSink sink,
                                               FeedStatus& status);

// Node objects (one, a List, or YAML documents) from a file or http(s) URL, polled.
boost::asio::awaitable<void> RunNodeList(net::HttpClient& client, std::string file_or_url,
                                         std::chrono::milliseconds interval, ObjectSink sink,
                                         FeedStatus& status);

}  // namespace headroom::kube

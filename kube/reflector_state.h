// What a reflector knows and decides, without the network: which keys exist, from which
// resourceVersion to watch, and what to do when a list or a watch ends.
// Rules: client-go tools/cache/reflector.go.
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/backoff.h"
#include "common/time.h"
#include "kube/object_feed.h"

namespace headroom::kube {

class ReflectorState {
 public:
  // `type` must outlive this.
  ReflectorState(const ResourceType& type, Backoff backoff) : type_(type), backoff_(backoff) {}

  bool needs_list() const { return needs_list_; }
  const std::string& resource_version() const { return resource_version_; }

  void BeginList();  // also starts a list over that failed half-way
  ObjectEvent OnListed(Json object);
  // Deletions of what the list no longer has, then kSynced.
  std::vector<ObjectEvent> EndList(std::string resource_version);

  // nullopt for a bookmark. kInvalid for a type or an object we do not understand.
  Result<std::optional<ObjectEvent>> OnWatched(std::string_view type, Json object);

  // How long to wait before the next list or watch. A watch that worked goes on at once; one that
  // ends immediately, again and again, is a failure in disguise. `jitter` in [0, 1).
  std::chrono::milliseconds AfterList(const Result<void>& result, SteadyTime now, double jitter);
  std::chrono::milliseconds AfterWatch(const Result<void>& result, SteadyTime started,
                                       SteadyTime now, double jitter);

 private:
  std::chrono::milliseconds Pause(SteadyTime now, double jitter);

  const ResourceType& type_;
  bool needs_list_ = true;
  bool fresh_list_ = false;  // no watch has ended since the last list
  std::string resource_version_;
  std::set<std::string, std::less<>> known_, listed_;  // "namespace/name"
  size_t watched_ = 0;                                 // events of the current watch
  Backoff backoff_;
  std::optional<SteadyTime> last_pause_;
};

}  // namespace headroom::kube

#include "kube/reflector_state.h"

#include <utility>

namespace headroom::kube {
namespace {

using namespace std::chrono_literals;

constexpr auto kForgiveAfter = 2min;  // without a failure the backoff starts over
constexpr auto kShortWatch = 1s;

std::string KeyOf(const Json& object) {
  return StringOr(object, {"metadata", "namespace"}) + "/" + StringOr(object, {"metadata", "name"});
}

// A vanished object as far as it is known.
Json Tombstone(const ResourceType& type, const std::string& key) {
  const size_t slash = key.find('/');
  Json object = Json::MakeObject();
  object.Set("apiVersion", type.group_version);
  object.Set("kind", type.kind);
  Json& metadata = object.Make({"metadata"});
  metadata.Set("name", key.substr(slash + 1));
  if (slash > 0) metadata.Set("namespace", key.substr(0, slash));
  return object;
}

}  // namespace

void ReflectorState::BeginList() { listed_.clear(); }

ObjectEvent ReflectorState::OnListed(Json object) {
  // Items of a typed list leave these out; a watch has them.
  if (object.Find("kind") == nullptr) {
    object.Set("apiVersion", type_.group_version);
    object.Set("kind", type_.kind);
  }
  std::string key = KeyOf(object);
  known_.insert(key);
  listed_.insert(std::move(key));
  return {ObjectEvent::Type::kUpsert, std::move(object)};
}

std::vector<ObjectEvent> ReflectorState::EndList(std::string resource_version) {
  std::vector<ObjectEvent> events;
  for (const std::string& key : known_) {
    if (listed_.count(key) == 0) {
      events.push_back({ObjectEvent::Type::kDelete, Tombstone(type_, key)});
    }
  }
  events.push_back({ObjectEvent::Type::kSynced, Json()});
  known_ = std::move(listed_);
  listed_.clear();
  resource_version_ = std::move(resource_version);
  needs_list_ = false;
  fresh_list_ = true;
  return events;
}

Result<std::optional<ObjectEvent>> ReflectorState::OnWatched(std::string_view type, Json object) {
  const std::string version = StringOr(object, {"metadata", "resourceVersion"});
  if (version.empty()) {
    return Error(Code::kInvalid, "watch event without metadata.resourceVersion");
  }
  ++watched_;
  if (type == "BOOKMARK") {
    resource_version_ = version;
    return std::optional<ObjectEvent>();
  }
  const bool gone = type == "DELETED";
  if (!gone && type != "ADDED" && type != "MODIFIED") {
    return Error(Code::kInvalid, "watch event of unknown type '" + std::string(type) + "'");
  }
  resource_version_ = version;
  if (gone) {
    known_.erase(KeyOf(object));
  } else {
    known_.insert(KeyOf(object));
  }
  return std::optional<ObjectEvent>(
      {gone ? ObjectEvent::Type::kDelete : ObjectEvent::Type::kUpsert, std::move(object)});
}

std::chrono::milliseconds ReflectorState::AfterList(const Result<void>& result, SteadyTime now,
                                                    double jitter) {
  watched_ = 0;
  return result ? 0ms : Pause(now, jitter);
}

std::chrono::milliseconds ReflectorState::AfterWatch(const Result<void>& result, SteadyTime started,
                                                     SteadyTime now, double jitter) {
  const bool idle = std::exchange(watched_, 0) == 0;
  const bool after_list = std::exchange(fresh_list_, false);
  if (result) return idle && now - started < kShortWatch ? Pause(now, jitter) : 0ms;
  const Code code = result.error().code();
  // Unreachable or busy: our version is still good. Anything else starts over with a list.
  if (code != Code::kUnavailable && code != Code::kTimeout) needs_list_ = true;
  // An expired version is routine, unless it is the one a list has just given.
  if (code == Code::kGone && !(idle && after_list)) return 0ms;
  return Pause(now, jitter);
}

std::chrono::milliseconds ReflectorState::Pause(SteadyTime now, double jitter) {
  if (last_pause_ && now - *last_pause_ > kForgiveAfter) backoff_.Reset();
  last_pause_ = now;
  return backoff_.Next(jitter);
}

}  // namespace headroom::kube

// The reflector: coroutine around ReflectorState.
#include "kube/object_feed.h"

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <random>

#include "common/log.h"
#include "kube/feed_health.h"
#include "kube/reflector_state.h"
#include "kube/watch_frames.h"

namespace headroom::kube {

namespace asio = boost::asio;

namespace {

constexpr int kPageSize = 500;

// RBAC by resourceNames admits a list and a watch with this selector.
std::string PathOf(const ResourceType& type, const ReflectorScope& scope) {
  std::string path = ResourcePath(type, scope.ns, "");
  if (scope.name.empty()) return path;
  return path + "?fieldSelector=metadata.name%3D" + net::PercentEncode(scope.name);
}

// Everything one reflector holds; lives in RunReflector's frame.
struct Reflector {
  Reflector(ApiClient& c, const ResourceType& t, ObjectSink s, FeedStatus& st, Backoff backoff,
            const ReflectorScope& scope)
      : client(c),
        path(PathOf(t, scope)),
        sink(std::move(s)),
        status(st),
        health(std::string(t.plural), st),
        state(t, backoff) {
    if (scope.fields == nullptr) return;
    page_fields.emplace(JsonFields{"metadata.continue", "metadata.resourceVersion"});
    page_fields->Add("items", *scope.fields);
    watch_fields = WatchFields(*scope.fields);
  }

  void Deliver(ObjectEvent event) {
    if (event.type == ObjectEvent::Type::kSynced) {
      status.synced = true;
    } else {
      ++status.events;
    }
    sink(std::move(event));
  }
  double Jitter() { return std::uniform_real_distribution<double>(0, 1)(random); }

  ApiClient& client;
  std::string path;
  ObjectSink sink;
  FeedStatus& status;
  FeedHealth health;
  ReflectorState state;
  std::optional<JsonFields> page_fields, watch_fields;  // unset: everything
  std::minstd_rand random{std::random_device{}()};
};

const JsonFields* PointerTo(const std::optional<JsonFields>& fields) {
  return fields ? &*fields : nullptr;
}

// Hands a page on and returns the token of the next one, "" at the end.
std::string TakePage(Reflector& reflector, Json& page) {
  reflector.health.Good();
  Json* items = nullptr;
  for (auto& [name, value] : *page.AsObject()) {
    if (name == "items") items = &value;
  }
  if (items != nullptr && items->AsArray() != nullptr) {
    for (Json& item : *items->AsArray()) {
      reflector.Deliver(reflector.state.OnListed(std::move(item)));
    }
  }
  return StringOr(page, {"metadata", "continue"});
}

asio::awaitable<Result<void>> ListAll(Reflector& reflector) {
  reflector.state.BeginList();
  bool paged = true;
  std::string next;
  for (;;) {
    std::string path = reflector.path;
    const char separator = path.find('?') == std::string::npos ? '?' : '&';
    if (paged) path += separator + ("limit=" + std::to_string(kPageSize));
    if (!next.empty()) path += "&continue=" + net::PercentEncode(next);
    auto page = co_await reflector.client.Get(std::move(path), ApiClient::kTimeout,
                                              PointerTo(reflector.page_fields));
    if (!page && page.error().code() == Code::kGone && paged && !next.empty()) {
      // The continue token expired between two pages: once more, in one piece.
      paged = false;
      next.clear();
      reflector.state.BeginList();
      continue;
    }
    if (!page) co_return page.error();
    if (!page->IsObject()) co_return Error(Code::kInvalid, "list: expected an object");
    next = TakePage(reflector, *page);
    if (!next.empty()) continue;
    ++reflector.status.relists;
    for (ObjectEvent& event :
         reflector.state.EndList(StringOr(*page, {"metadata", "resourceVersion"}))) {
      reflector.Deliver(std::move(event));
    }
    co_return Result<void>();
  }
}

asio::awaitable<Result<void>> WatchOnce(Reflector& reflector) {
  ApiClient::OnEvent on_event = [&reflector](std::string_view type, Json object) -> Result<void> {
    reflector.health.Good();
    auto event = reflector.state.OnWatched(type, std::move(object));
    if (!event) return event.error();
    if (*event) reflector.Deliver(std::move(**event));
    return {};
  };
  co_return co_await reflector.client.Watch(reflector.path, reflector.state.resource_version(),
                                            std::move(on_event), PointerTo(reflector.watch_fields));
}

}  // namespace

asio::awaitable<void> RunReflector(ApiClient& client, const ResourceType& type, ObjectSink sink,
                                   FeedStatus& status, Backoff backoff, ReflectorScope scope) {
  Reflector reflector(client, type, std::move(sink), status, backoff, scope);
  for (;;) {
    const auto started = std::chrono::steady_clock::now();
    const bool listing = reflector.state.needs_list();
    Result<void> result = Result<void>();
    if (listing) {
      result = co_await ListAll(reflector);
    } else {
      result = co_await WatchOnce(reflector);
    }
    const auto now = std::chrono::steady_clock::now();
    const auto pause = listing
                           ? reflector.state.AfterList(result, now, reflector.Jitter())
                           : reflector.state.AfterWatch(result, started, now, reflector.Jitter());
    if (!result && result.error().code() != Code::kGone) reflector.health.Bad(result.error());
    if (pause.count() > 0) co_await net::SleepFor(pause);
  }
}

}  // namespace headroom::kube

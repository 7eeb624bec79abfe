#include "kube/events.h"

#include <boost/asio/awaitable.hpp>

#include "common/log.h"
#include "common/utf8.h"
#include "kube/event_aggregator.h"

namespace headroom::kube {

namespace asio = boost::asio;

namespace {

constexpr size_t kMaxMessage = 1024;  // the API's limit for Event.message

std::string Cut(std::string text) {
  text = ReplaceBadUtf8(text);
  if (text.size() <= kMaxMessage) return text;
  text.resize(kMaxMessage - 3);
  text.resize(ValidUtf8Prefix(text));
  return text + "...";
}

// Events of cluster-scoped objects live in "default".
std::string NamespaceOf(const Meta& object) { return object.ns.empty() ? "default" : object.ns; }

Json Reference(const ResourceType& type, const Meta& object) {
  Json reference = Json::MakeObject();
  reference.Set("apiVersion", type.group_version);
  reference.Set("kind", type.kind);
  if (!object.ns.empty()) reference.Set("namespace", object.ns);
  reference.Set("name", object.name);
  if (!object.uid.empty()) reference.Set("uid", object.uid);
  if (!object.resource_version.empty()) {
    reference.Set("resourceVersion", object.resource_version);
  }
  return reference;
}

}  // namespace

struct EventRecorder::State {
  Json Object(const ResourceType& type, const Meta& object, const EventText& text,
              const EventAggregator::Decision& decision, WallTime now) const;
  asio::awaitable<Result<void>> Write(const ResourceType& type, const Meta& object,
                                      const EventText& text, EventAggregator::Decision decision,
                                      WallTime now);

  ApiClient& client;
  std::string component, host;
  EventAggregator aggregator{};
};

Json EventRecorder::State::Object(const ResourceType& type, const Meta& object,
                                  const EventText& text, const EventAggregator::Decision& decision,
                                  WallTime now) const {
  Json event = Json::MakeObject();
  event.Set("apiVersion", "v1");
  event.Set("kind", "Event");
  event.Make({"metadata"}).Set("name", decision.name);
  event.Make({"metadata"}).Set("namespace", NamespaceOf(object));
  event.Set("involvedObject", Reference(type, object));
  event.Set("type", text.warning ? "Warning" : "Normal");
  event.Set("reason", text.reason);
  event.Set("message", text.message);
  event.Make({"source"}).Set("component", component);
  event.Make({"source"}).Set("host", host);
  event.Set("reportingComponent", component);
  event.Set("reportingInstance", host);
  event.Set("firstTimestamp", FormatRfc3339(decision.first));
  event.Set("lastTimestamp", FormatRfc3339(now));
  event.Set("count", decision.count);
  return event;
}

asio::awaitable<Result<void>> EventRecorder::State::Write(const ResourceType& type,
                                                          const Meta& object, const EventText& text,
                                                          EventAggregator::Decision decision,
                                                          WallTime now) {
  const std::string ns = NamespaceOf(object);
  if (decision.action == EventAggregator::Decision::Do::kRaise) {
    Json patch = Json::MakeObject();
    patch.Set("count", decision.count);
    patch.Set("lastTimestamp", FormatRfc3339(now));
    const auto patched =
        co_await client.MergePatch(ResourcePath(kEventType, ns, decision.name), std::move(patch));
    if (patched) co_return Result<void>();
    if (patched.error().code() != Code::kNotFound) co_return patched.error();
    // It expired on the server (one hour by default): write it again, under its name.
  }
  Json event = Object(type, object, text, decision, now);
  const auto created = co_await client.Create(ResourcePath(kEventType, ns, ""), std::move(event));
  if (created) co_return Result<void>();
  aggregator.Forget(decision.name);
  co_return created.error();
}

EventRecorder::EventRecorder(ApiClient& client, std::string component, std::string host)
    : state_(new State{client, std::move(component), std::move(host)}) {}
EventRecorder::~EventRecorder() = default;

asio::awaitable<void> EventRecorder::Record(const ResourceType& type, Meta object, EventText text) {
  text.message = Cut(std::move(text.message));
  const std::string key = std::string(type.kind) + "/" + object.Key() + "/" + object.uid;
  const WallTime now = std::chrono::system_clock::now();
  auto decision = state_->aggregator.Decide(key, object.name, text.reason, text.message, now);
  if (decision.action == EventAggregator::Decision::Do::kDrop) co_return;
  const auto written = co_await state_->Write(type, object, text, std::move(decision), now);
  if (!written) {
    LogWarn("event not written",
            {{"object", key}, {"reason", text.reason}, {"error", written.error()}});
  }
}

}  // namespace headroom::kube

#include "exporter/models/event_ring.h"

#include "common/utf8.h"

namespace headroom::exporter {
namespace {

constexpr size_t kMostMessage = 240;  // bytes; the whole text of now is the model's reason

}  // namespace

void EventRing::Add(kube::EventText text, WallTime now) {
  const std::string_view line = std::string_view(text.message).substr(0, text.message.find('\n'));
  text.message.resize(ValidUtf8Prefix(line.substr(0, kMostMessage)));
  if (!entries_.empty()) {
    Entry& last = entries_.back();
    if (last.text.reason == text.reason && last.text.message == text.message) {
      last.at = now;
      ++last.count;
      return;
    }
  }
  entries_.push_back({now, 1, std::move(text)});
  if (entries_.size() > kKept) entries_.pop_front();
}

Json ToJson(const EventRing& ring) {
  Json out = Json::MakeArray();
  for (const EventRing::Entry& entry : ring.entries()) {
    Json one = Json::MakeObject();
    one.Set("time", FormatRfc3339(entry.at));
    one.Set("count", entry.count);
    one.Set("warning", entry.text.warning);
    one.Set("reason", entry.text.reason);
    one.Set("message", entry.text.message);
    out.Append(std::move(one));
  }
  return out;
}

}  // namespace headroom::exporter

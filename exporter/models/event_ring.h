// EventRing: what happened to one model, for the page and /v1/models: the last few Events as they
// are told, also where no API server takes them. Pure.
#pragma once

#include <cstddef>
#include <deque>

#include "common/json.h"
#include "common/time.h"
#include "kube/events.h"

namespace headroom::exporter {

class EventRing {
 public:
  static constexpr size_t kKept = 8;

  struct Entry {
    WallTime at;  // of the last one, if it came several times
    int count = 1;
    kube::EventText text;  // message: its first line, cut
  };

  // The same event again raises the count of the last entry.
  void Add(kube::EventText text, WallTime now);
  const std::deque<Entry>& entries() const { return entries_; }  // oldest first

 private:
  std::deque<Entry> entries_;
};

// [{"time", "count", "warning", "reason", "message"}, …], oldest first.
Json ToJson(const EventRing& ring);

}  // namespace headroom::exporter

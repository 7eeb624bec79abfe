// Kubernetes Events with client-side aggregation: the same (object, reason, message) within ten
// minutes raises a count instead of a new object, and at most ten writes a minute per object.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>

#include "kube/client.h"

namespace headroom::kube {

struct EventText {
  bool warning = false;
  std::string reason;   // CamelCase
  std::string message;  // one or more lines, cut at 1024 bytes
};

class EventRecorder {
 public:
  // `component` and `host` become source; the client must outlive the recorder.
  EventRecorder(ApiClient& client, std::string component, std::string host);
  ~EventRecorder();
  // Never fails the caller: errors are logged.
  boost::asio::awaitable<void> Record(const ResourceType& type, Meta object, EventText text);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace headroom::kube

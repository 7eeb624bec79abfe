// Keeps a FeedStatus and logs a feed's trouble once per change of text, and its end.
#pragma once

#include <string>

#include "common/log.h"
#include "kube/object_feed.h"

namespace headroom::kube {

class FeedHealth {
 public:
  // `status` must outlive this.
  FeedHealth(std::string subject, FeedStatus& status)
      : subject_(std::move(subject)), status_(status) {}

  void Good() {
    status_.last_contact = std::chrono::system_clock::now();
    if (status_.last_error.empty()) return;
    status_.last_error.clear();
    LogInfo("objects are read again", {{"source", subject_}});
  }
  void Bad(const Error& error) {
    if (status_.last_error == error.message()) return;
    status_.last_error = error.message();
    LogWarn("objects cannot be read, the last ones stay", {{"source", subject_}, {"error", error}});
  }

 private:
  std::string subject_;
  FeedStatus& status_;
};

}  // namespace headroom::kube

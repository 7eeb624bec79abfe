// Which Events are written, as a pure class: the same (object, reason, message) within ten minutes
// raises a count, and one object gets at most ten writes a minute (LLMKube's agent floods).
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <string>

#include "common/time.h"

namespace headroom::kube {

class EventAggregator {
 public:
  static constexpr std::chrono::minutes kSameWithin{10};
  static constexpr size_t kWritesPerMinute = 10;

  struct Decision {
    enum class Do { kCreate, kRaise, kDrop } action = Do::kDrop;
    std::string name;  // of the Event object
    int count = 1;
    WallTime first{};
  };

  // `object` identifies the involved object ("Model/ns/name/uid"), `base` starts the Event's name.
  Decision Decide(const std::string& object, const std::string& base, const std::string& reason,
                  const std::string& message, WallTime now);
  // The Event behind `decision` is gone from the server: the next one is created anew.
  void Forget(const std::string& name);

  size_t size() const { return known_.size(); }

 private:
  struct Known {
    std::string name;
    int count = 0;
    WallTime first, last;
  };
  void Prune(WallTime now);
  bool Allowed(const std::string& object, WallTime now);

  std::map<std::string, Known> known_;
  std::map<std::string, std::deque<WallTime>> writes_;
  uint64_t sequence_ = 0;
};

}  // namespace headroom::kube

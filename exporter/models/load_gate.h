// LoadGate: one model loads at a time, so that the memory each pre-flight sees is what the loads
// before it really took. First come, first served. Pure.
#pragma once

#include <algorithm>
#include <deque>
#include <optional>
#include <set>
#include <string>

namespace headroom::exporter {

class LoadGate {
 public:
  // True when the slot is granted now; else the key waits for a Release() that returns it.
  bool Acquire(const std::string& key) {
    if (holders_.count(key)) return true;
    if (holders_.empty()) {
      holders_.insert(key);
      return true;
    }
    if (std::find(queue_.begin(), queue_.end(), key) == queue_.end()) queue_.push_back(key);
    return false;
  }
  // A load that is under way whether we like it or not (an adopted child).
  void Hold(const std::string& key) { holders_.insert(key); }

  // Gives up the slot or the wait for it; returns who is granted the slot by that.
  std::optional<std::string> Release(const std::string& key) {
    queue_.erase(std::remove(queue_.begin(), queue_.end(), key), queue_.end());
    if (holders_.erase(key) == 0 || !holders_.empty() || queue_.empty()) return std::nullopt;
    std::string next = std::move(queue_.front());
    queue_.pop_front();
    holders_.insert(next);
    return next;
  }

 private:
  std::set<std::string> holders_;
  std::deque<std::string> queue_;
};

}  // namespace headroom::exporter

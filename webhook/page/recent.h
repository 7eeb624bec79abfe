// RecentDecisions: what was judged a while ago, for the webhook's page: a ring of fixed size, fed
// where a review is answered. Nothing in it is secret: no user, no source, no text of an object.
// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/json.h"
#include "common/time.h"
#include "webhook/review.h"
#include "webhook/rules.h"

namespace headroom::webhook {

class RecentDecisions {
 public:
  static constexpr size_t kKept = 200;

  struct Entry {
    WallTime time{};
    std::string operation, kind, ns, name;
    bool allowed = false, dry_run = false;
    std::string rule;        // "HR-101"; "" = none
    std::string node;        // that the decision speaks about; "" = none
    uint64_t footprint = 0;  // bytes; 0 = not known
    double seconds = 0;      // from the request to the decision
  };

  // What passed without being judged is only counted: it is no decision, and there is much of it.
  void Note(const Review& review, const Decision& decision, double seconds, WallTime now);

  std::vector<const Entry*> NewestFirst() const;
  uint64_t allowed() const { return allowed_; }
  uint64_t denied() const { return denied_; }
  uint64_t passed() const { return passed_; }

 private:
  std::vector<Entry> ring_;  // its strings keep their room
  size_t next_ = 0;          // where the next one goes, once the ring is full
  uint64_t allowed_ = 0, denied_ = 0, passed_ = 0;
};

// {"version", "allowed", "denied", "passed", "decisions": [{"time", "operation", "kind",
// "namespace", "name", "decision", "dryRun", "rule", "node", "footprintBytes", "milliseconds"},
// …]}, the newest first; rule, node and footprintBytes are null where there is none.
Json ToJson(const RecentDecisions& recent);

// The same for people without a browser.
std::string ToText(const RecentDecisions& recent);

}  // namespace headroom::webhook

// What the webhook knows of model headers: ready, failed a moment ago, or being fetched. Pure:
// given `now`, no sockets. Bounded: the entries longest unused go first.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "common/result.h"
#include "common/time.h"
#include "sources/header_source.h"
#include "sources/source.h"

namespace headroom::webhook {

// A header somebody needs. For a file on a node: that node and where its exporter listens.
struct HeaderNeed {
  sources::Source source;
  std::string node, metrics_address;
  std::string Key() const;  // by source and node
};

struct HeaderState {
  enum class Kind {
    kMissing,  // nothing known: worth a fetch
    kPending,  // a fetch is under way
    kReady,
    kFailed,
  } kind = Kind::kMissing;
  const sources::ModelHeader* header = nullptr;  // kReady; valid until the table next changes
  std::string reason;                            // kFailed: ours, no upstream text
};

struct HeaderTableOptions {
  size_t max_entries = 2'000;  // some KiB each
  // A branch of a remote repository moves seldom, a file on a Mac is replaced by hand.
  std::chrono::seconds remote_lifetime{600}, node_lifetime{60};
  // A wrong URL stays wrong until somebody edits it; an exporter comes back by itself.
  std::chrono::seconds remote_failure{30}, node_failure{5};
};

class HeaderTable {
 public:
  explicit HeaderTable(HeaderTableOptions options = {}) : options_(options) {}

  HeaderState Find(const HeaderNeed& need, SteadyTime now);
  // True when the caller shall fetch now; false while another fetch is under way or an answer
  // holds.
  bool Begin(const HeaderNeed& need, SteadyTime now);
  void Finish(const HeaderNeed& need, Result<sources::ModelHeader> result, SteadyTime now);
  void Abandon(const HeaderNeed& need);  // a fetch that was cancelled

  size_t size() const { return entries_.size(); }
  size_t in_flight() const { return in_flight_; }
  uint64_t hits = 0, misses = 0, failures = 0, fetches = 0;  // for metrics

 private:
  struct Entry {
    bool in_flight = false;
    std::optional<sources::ModelHeader> header;
    std::string reason;
    SteadyTime expires{}, used{};
  };
  void Trim();

  HeaderTableOptions options_;
  std::map<std::string, Entry, std::less<>> entries_;
  size_t in_flight_ = 0;
};

}  // namespace headroom::webhook

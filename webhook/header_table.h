// What the webhook knows of model headers: ready, failed a moment ago, or being fetched. Pure:
// given `now`, no sockets. Bounded: the entries longest unused go first. An answer holds for a
// while; then the source is asked whether the file is still the same revision (ETag, or size and
// time of change), and only if not is its header read again.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "common/result.h"
#include "common/time.h"
#include "estimator/footprint_memo.h"
#include "sources/header_source.h"
#include "sources/source.h"

namespace headroom::webhook {

// A header somebody needs. For a file on a node, or a remote one that a node has fetched: that node
// and where its exporter listens.
struct HeaderNeed {
  sources::Source source;
  std::string node;
  sources::NodeEndpoint endpoint;
  bool remote() const { return node.empty(); }
  std::string Key() const;   // by source and node
  std::string Host() const;  // who is asked
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
  // kReady: of that header, as long as it is valid. May be null.
  estimator::FootprintMemo* footprints = nullptr;
};

struct HeaderTableOptions {
  size_t max_entries = 2'000;  // some KiB each
  // One slow host must not take all places, nor be flooded.
  size_t max_in_flight = 16, max_in_flight_a_host = 4;
  // A branch of a remote repository moves seldom, a file on a Mac is replaced by hand.
  std::chrono::seconds remote_lifetime{600}, node_lifetime{60};
  // A wrong URL stays wrong until somebody edits it; an exporter comes back by itself.
  std::chrono::seconds remote_failure{30}, node_failure{5};
};

class HeaderTable {
 public:
  explicit HeaderTable(HeaderTableOptions options = {}) : options_(options) {}

  HeaderState Find(const HeaderNeed& need, SteadyTime now);
  // True when the caller shall fetch now; false while another fetch is under way, an answer holds
  // or there is no place.
  bool Begin(const HeaderNeed& need, SteadyTime now);
  bool HasPlace(const HeaderNeed& need) const;
  // Of the header that is kept though it must be asked about again; "" = none.
  std::string KnownRevision(const HeaderNeed& need) const;
  // Where a remote host cannot be reached, the header it gave before goes on for a moment.
  void Finish(const HeaderNeed& need, Result<sources::ModelHeader> result, SteadyTime now);
  void Abandon(const HeaderNeed& need);  // a fetch that was cancelled

  size_t size() const { return entries_.size(); }
  size_t in_flight() const { return in_flight_; }
  uint64_t hits = 0, misses = 0, failures = 0, fetches = 0;  // for metrics

 private:
  struct Entry {
    bool in_flight = false;
    std::optional<sources::ModelHeader> header;
    std::optional<estimator::FootprintMemo> footprints;  // of `header`
    std::string reason;
    SteadyTime expires{}, used{};
  };
  void Leave(const HeaderNeed& need);  // frees its place
  void Trim();

  HeaderTableOptions options_;
  std::map<std::string, Entry, std::less<>> entries_;
  size_t in_flight_ = 0;
  std::map<std::string, size_t, std::less<>> in_flight_at_;  // host -> fetches
};

}  // namespace headroom::webhook

// HolderWatch: whether the node that holds a claim is alive. As client-go's leader election does,
// it compares no clocks: a holder is dead when its Lease was seen unchanged for its whole duration
// by our own monotonic clock. No Lease at all is a Lease that does not change. Pure; owned by the
// manager.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "common/json.h"
#include "common/time.h"

namespace headroom::exporter {

// What is observed of a coordination.k8s.io/v1 Lease.
struct LeaseRecord {
  std::string mark;  // differs after each renewal; "" = there is no Lease
  std::chrono::seconds duration{40};
  friend bool operator==(const LeaseRecord&, const LeaseRecord&) = default;
};
LeaseRecord DecodeLease(const Json& lease);

class HolderWatch {
 public:
  // Takes note of a node's Lease as the API server has it now.
  void Saw(const std::string& node, const LeaseRecord& lease, SteadyTime now);
  bool IsDead(const std::string& node, SteadyTime now) const;
  // How long until it is, if nothing changes; zero when it is dead. For a node never seen: the
  // duration that is usual.
  std::chrono::milliseconds Remaining(const std::string& node, SteadyTime now) const;
  // The API server could not be asked: the holders could not renew either, maybe, so every
  // observation begins anew.
  void OutOfTouch() { seen_.clear(); }

 private:
  struct Seen {
    LeaseRecord lease;
    SteadyTime since;
  };
  std::map<std::string, Seen> seen_;
};

}  // namespace headroom::exporter

// What the node publisher does next, without the network: it knows whether the Node exists and
// whose it is, what is due, and when to try again what failed.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string>

#include "common/backoff.h"
#include "common/json.h"
#include "common/result.h"
#include "exporter/node/publish_policy.h"

namespace headroom::exporter {

enum class NodeStep { kWait, kGet, kRegister, kAnnotate, kWriteStatus };
inline constexpr size_t kNodeSteps = 5;
std::string_view ToString(NodeStep step);

struct NodeIntervals {
  std::chrono::milliseconds status{300'000};  // heartbeat of the conditions; the Lease is the pulse
  std::chrono::milliseconds absent{30'000};   // look again for a Node we may not register
  PublishIntervals publish{};
};

class PublisherState {
 public:
  PublisherState(bool register_node, NodeIntervals intervals = {});

  NodeStep Next(const estimator::NodeCapacity& capacity, SteadyTime now) const;
  // The Lease was renewed so late that the conditions may have been turned to Unknown: they are
  // written again.
  void PulseMissed() { status_at_.reset(); }
  // `result` holds the Node as the API gave it back. `jitter` in [0, 1).
  void Done(NodeStep step, const Result<Json>& result, const estimator::NodeCapacity& capacity,
            SteadyTime now, double jitter);

  bool registered() const { return owner_ == Owner::kUs; }  // the Node is ours to keep alive
  bool published() const { return published_; }             // annotations written at least once
  // Whose the Node is, is known, and with it its labels.
  bool settled() const {
    return owner_ == Owner::kUs || owner_ == Owner::kForeign ||
           (owner_ == Owner::kAbsent && !register_node_);
  }
  const std::string& uid() const { return uid_; }
  const Json& node() const { return node_; }  // as last seen, null = never
  // Why the node is not published as it should be, for /readyz and logs; "" = all is well.
  const std::string& problem() const { return problem_; }

 private:
  enum class Owner { kUnknown, kAbsent, kUs, kForeign };
  struct Attempt {
    SteadyTime not_before{};
    Backoff backoff{std::chrono::seconds(1), std::chrono::seconds(30)};
  };
  Attempt& Of(NodeStep step) { return attempts_[static_cast<size_t>(step)]; }
  bool MayTry(NodeStep step, SteadyTime now) const;
  void Saw(const Json& node);
  void Lost();
  void Succeeded(NodeStep step, const Json& result, const estimator::NodeCapacity& capacity,
                 SteadyTime now, double jitter);
  void Failed(NodeStep step, const Error& error, SteadyTime now, double jitter);

  bool register_node_;
  NodeIntervals intervals_;
  PublishPolicy policy_;
  Owner owner_ = Owner::kUnknown;
  bool published_ = false;
  std::string uid_, problem_, status_level_;
  Json node_;
  std::array<Attempt, kNodeSteps> attempts_;
  std::optional<SteadyTime> status_at_;  // last success
};

}  // namespace headroom::exporter

#include "exporter/node/publisher_state.h"

#include "exporter/node/node_document.h"

namespace headroom::exporter {

using estimator::NodeCapacity;

std::string_view ToString(NodeStep step) {
  switch (step) {
    case NodeStep::kWait: return "wait";
    case NodeStep::kGet: return "read the Node";
    case NodeStep::kRegister: return "register the Node";
    case NodeStep::kAnnotate: return "annotate the Node";
    case NodeStep::kWriteStatus: return "write the Node's status";
  }
  return "";
}

PublisherState::PublisherState(bool register_node, NodeIntervals intervals)
    : register_node_(register_node), intervals_(intervals), policy_(intervals.publish) {}

bool PublisherState::MayTry(NodeStep step, SteadyTime now) const {
  return now >= attempts_[static_cast<size_t>(step)].not_before;
}

NodeStep PublisherState::Next(const NodeCapacity& capacity, SteadyTime now) const {
  const auto due = [this, now](NodeStep step, bool wanted) { return wanted && MayTry(step, now); };
  if (owner_ == Owner::kUnknown)
    return due(NodeStep::kGet, true) ? NodeStep::kGet : NodeStep::kWait;
  if (owner_ == Owner::kAbsent) {
    const NodeStep step = register_node_ ? NodeStep::kRegister : NodeStep::kGet;
    return due(step, true) ? step : NodeStep::kWait;
  }
  const bool ours = owner_ == Owner::kUs;
  if (due(NodeStep::kAnnotate, policy_.Due(capacity, now))) return NodeStep::kAnnotate;
  const bool status =
      !status_at_ || now - *status_at_ >= intervals_.status || status_level_ != capacity.pressure;
  return due(NodeStep::kWriteStatus, ours && status) ? NodeStep::kWriteStatus : NodeStep::kWait;
}

void PublisherState::Done(NodeStep step, const Result<Json>& result, const NodeCapacity& capacity,
                          SteadyTime now, double jitter) {
  if (result) {
    Succeeded(step, *result, capacity, now, jitter);
  } else {
    Failed(step, result.error(), now, jitter);
  }
}

void PublisherState::Saw(const Json& node) {
  const std::string uid = StringOr(node, {"metadata", "uid"});
  if (!uid_.empty() && uid != uid_) Lost();  // deleted and made again behind our back
  uid_ = uid;
  node_ = node;
  owner_ = IsRegistered(node) ? Owner::kUs : Owner::kForeign;
}

void PublisherState::Lost() {
  owner_ = Owner::kAbsent;
  uid_.clear();
  node_ = Json();
  policy_.Forget();
  status_at_.reset();
}

void PublisherState::Succeeded(NodeStep step, const Json& result, const NodeCapacity& capacity,
                               SteadyTime now, double jitter) {
  Of(step) = Attempt{};
  problem_.clear();
  switch (step) {
    case NodeStep::kWait: return;
    case NodeStep::kGet: return Saw(result);
    case NodeStep::kRegister:  // carries the annotations
    case NodeStep::kAnnotate:
      Saw(result);
      published_ = true;
      return policy_.Published(capacity, now, jitter);
    case NodeStep::kWriteStatus:
      Saw(result);
      status_at_ = now;
      status_level_ = capacity.pressure;
      return;
  }
}

void PublisherState::Failed(NodeStep step, const Error& error, SteadyTime now, double jitter) {
  const bool node_gone = error.code() == Code::kNotFound && step != NodeStep::kRegister;
  if (node_gone) {
    Lost();
    if (!register_node_) {
      problem_ =
          "the Node does not exist and --register-node is off: create it, or name it with "
          "--node-name";
      Of(NodeStep::kGet).not_before = now + intervals_.absent;
    }
    return;
  }
  if (step == NodeStep::kRegister && error.code() == Code::kConflict) {
    owner_ = Owner::kUnknown;  // somebody was faster: see whose it is
    return;
  }
  problem_ = std::string(ToString(step)) + ": " + error.message();
  Attempt& attempt = Of(step);
  attempt.not_before = now + attempt.backoff.Next(jitter);
}

}  // namespace headroom::exporter

// Publishes this node: annotations on its Node, and where nobody else has one, the Node itself with
// conditions, beside a Lease (lease_keeper.h). The coroutine around PublisherState; survives the
// Node's deletion and an API server that is away. One per process.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <random>
#include <string>

#include "exporter/node/lease_keeper.h"
#include "exporter/node/node_document.h"
#include "exporter/node/publisher_state.h"
#include "kube/client.h"
#include "net/async.h"

namespace headroom::exporter {

struct PublisherOptions {
  NodeIdentity identity;
  bool register_node = true;
  NodeIntervals intervals{};
  LeaseOptions lease{};
  std::chrono::milliseconds tick{1'000};  // how often the capacity is looked at
  std::function<void()> on_labels;        // the Node has other labels than before; may be empty
};

class NodePublisher {
 public:
  using Labels = decltype(kube::Meta::labels);
  // The current capacity of this node; an error (no sample yet) keeps what was published.
  using Capacity = std::function<Result<estimator::NodeCapacity>()>;

  // `api` and what `capacity` refers to outlive this.
  NodePublisher(kube::ApiClient& api, PublisherOptions options, Capacity capacity);

  boost::asio::awaitable<void> Run();  // until cancelled
  void Wake() { wake_.Notify(); }      // something changed that should not wait for the tick
  // Until the Node was read (or registered), or there is none.
  boost::asio::awaitable<void> Settled();

  const PublisherState& state() const { return state_; }
  const LeaseKeeper& lease() const { return lease_; }
  const Labels& labels() const { return labels_; }  // of the Node as last seen
  uint64_t writes() const { return writes_; }
  uint64_t failures() const { return failures_; }

 private:
  boost::asio::awaitable<void> RunNode();
  boost::asio::awaitable<Result<Json>> Perform(NodeStep step, estimator::NodeCapacity capacity);
  void TakeLabels();
  void Tell(NodeStep step, const Result<Json>& result, const std::string& problem_before);
  double Jitter() { return std::uniform_real_distribution<double>(0, 1)(random_); }

  kube::ApiClient& api_;
  PublisherOptions options_;
  Capacity capacity_;
  PublisherState state_;
  LeaseKeeper lease_;
  Labels labels_;
  net::Notifier wake_, looked_;
  std::minstd_rand random_{std::random_device{}()};
  uint64_t writes_ = 0, failures_ = 0;
};

}  // namespace headroom::exporter

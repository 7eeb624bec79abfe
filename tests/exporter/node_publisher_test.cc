#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporter/node/publisher.h"
#include "tests/kube/api_fixture.h"

namespace headroom::exporter {
namespace {

using kube::FakeRequest;
using kube::JsonReply;
using kube::StatusReply;
using namespace std::chrono_literals;

// A tiny API server with one Node and one Lease.
class Publisher : public kube::ApiTest {
 protected:
  Publisher() {
    api_.OnRequest([this](const FakeRequest& request) { return Answer(request); });
    capacity_.name = "mac-1";
    capacity_.memory_total = 64ull << 30;
    capacity_.pressure = "normal";
  }
  kube::FakeReply Answer(const FakeRequest& request) {
    if (down_) return StatusReply(503, "starting");
    Json& object = request.target.find("/leases") == std::string::npos ? node_ : lease_;
    if (request.method == "POST") {
      object = ParseJson(request.body).value();
      object.Make({"metadata"}).Set("uid", "uid-" + std::to_string(++uids_));
      return JsonReply(201, object);
    }
    if (object.IsNull()) return StatusReply(404, "not found");
    if (request.method == "PATCH") MergePatch(object, ParseJson(request.body).value());
    return JsonReply(200, object);
  }
  std::unique_ptr<NodePublisher> Make() {
    PublisherOptions options;
    options.identity = {"mac-1", "darwin", "arm64", "Darwin 24", 8, "10.0.0.5"};
    options.tick = 1ms;
    options.lease.interval = options.lease.retry = 2ms;
    options.intervals.publish.at_once = 1ms;
    return std::make_unique<NodePublisher>(
        *client_, options, [this]() -> Result<estimator::NodeCapacity> { return capacity_; });
  }
  void Stop() {
    tasks_.Cancel();
    Run(tasks_.Join());
  }

  estimator::NodeCapacity capacity_;
  Json node_, lease_;
  bool down_ = false;
  int uids_ = 0;
};

TEST_F(Publisher, RegistersAndKeepsItsNodeAlive) {
  const auto publisher = Make();
  tasks_.Spawn(publisher->Run());
  RunUntil([this] {
    return lease_.Find({"metadata", "ownerReferences"}) != nullptr &&
           node_.Find({"status", "conditions"}) != nullptr;
  });
  EXPECT_TRUE(IsRegistered(node_));
  EXPECT_EQ(StringOr(node_, {"metadata", "annotations", "headroom.dev/memory-total"}),
            "68719476736");
  EXPECT_EQ(StringOr(lease_, {"spec", "holderIdentity"}), "mac-1");
  EXPECT_EQ(StringOr(lease_.Find({"metadata", "ownerReferences"})->AsArray()->front(), {"uid"}),
            "uid-1");
  Stop();
}

TEST_F(Publisher, ComesBackAfterDeletionWithANewOwnerOfTheLease) {
  const auto publisher = Make();
  tasks_.Spawn(publisher->Run());
  RunUntil([this] { return node_.Find({"status", "conditions"}) != nullptr; });
  node_ = Json();
  capacity_.committed = 1;  // something to write, so that the loss is seen
  publisher->Wake();
  RunUntil([this] {
    const Json* owners = lease_.Find({"metadata", "ownerReferences"});
    return !node_.IsNull() && owners != nullptr &&
           StringOr(owners->AsArray()->front(), {"uid"}) == StringOr(node_, {"metadata", "uid"});
  });
  Stop();
}

TEST_F(Publisher, OutlivesAnApiServerThatIsDown) {
  down_ = true;
  const auto publisher = Make();
  tasks_.Spawn(publisher->Run());
  RunUntil([&publisher] { return publisher->failures() > 0; });
  EXPECT_EQ(publisher->state().problem(), "read the Node: starting");
  down_ = false;
  RunUntil([&publisher] { return publisher->state().published(); });
  EXPECT_EQ(publisher->state().problem(), "");
  Stop();
}

}  // namespace
}  // namespace headroom::exporter

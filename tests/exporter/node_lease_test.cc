// The Lease keeper against the contract double.
#include <gtest/gtest.h>

#include "exporter/node/lease_keeper.h"
#include "tests/kube/api_fixture.h"

namespace headroom::exporter {
namespace {

using kube::FakeReply;
using kube::FakeRequest;
using kube::JsonReply;
using kube::StatusReply;
using namespace std::chrono_literals;

class Keeper : public kube::ApiTest {
 protected:
  Keeper() {
    api_.OnRequest([this](const FakeRequest& request) { return Answer(request); });
    options_.interval = options_.retry = 2ms;
    options_.timeout = 1s;
  }
  FakeReply Answer(const FakeRequest& request) {
    if (down_) return StatusReply(503, "starting");
    if (request.method == "POST") {
      lease_ = ParseJson(request.body).value();
      return JsonReply(201, lease_);
    }
    if (lease_.IsNull()) return StatusReply(404, "not found");
    if (request.method == "PATCH") MergePatch(lease_, ParseJson(request.body).value());
    if (request.method == "PATCH") ++patches_;
    if (kubelet_renews_) lease_.Make({"spec"}).Set("renewTime", std::to_string(++renewals_));
    return JsonReply(200, lease_);
  }
  void Start() {
    keeper_ = std::make_unique<LeaseKeeper>(*client_, "mac-1", options_, [this] { return owner_; });
    started_ = std::chrono::steady_clock::now();
    tasks_.Spawn(keeper_->Run());
  }
  bool Trusted() const { return keeper_->trusted_until() > started_ + 20s; }

  LeaseOptions options_;
  LeaseKeeper::Owner owner_;
  std::unique_ptr<LeaseKeeper> keeper_;
  SteadyTime started_{};
  Json lease_;
  bool down_ = false, kubelet_renews_ = false;
  int patches_ = 0, renewals_ = 0;
};

TEST_F(Keeper, KeepsALeaseAlsoBeforeTheNodeIsKnown) {
  Start();
  RunUntil([this] { return patches_ > 3; });
  EXPECT_TRUE(Trusted());
  EXPECT_EQ(lease_.Find({"metadata", "ownerReferences"}), nullptr);
  EXPECT_EQ(IntOr(lease_, {"spec", "leaseDurationSeconds"}, 0), 40);
  owner_ = {"u-1", true};
  RunUntil([this] { return lease_.Find({"metadata", "ownerReferences"}) != nullptr; });
}

TEST_F(Keeper, MakesADeletedLeaseAnew) {
  owner_ = {"u-1", true};
  Start();
  RunUntil([this] { return patches_ > 0; });
  lease_ = Json();
  RunUntil([this] { return !lease_.IsNull(); });
}

TEST_F(Keeper, OutOfTouchItTrustsNothingBeyondTheLastRenewal) {
  Start();
  RunUntil([this] { return patches_ > 0; });
  down_ = true;
  const size_t asked = api_.requests().size();
  const SteadyTime until = keeper_->trusted_until();
  RunUntil([&] { return api_.requests().size() > asked + 5; });
  EXPECT_LE(keeper_->trusted_until() - until, 1s) << "one renewal may have been under way";
  EXPECT_LT(keeper_->trusted_until(), std::chrono::steady_clock::now() + 25s);
}

// At its start it may have been away for long; it must hear from the API server soon.
TEST_F(Keeper, AtFirstItTrustsShortly) {
  down_ = true;
  Start();
  EXPECT_LE(keeper_->trusted_until(), started_ + 5s);
}

TEST_F(Keeper, WatchesTheLeaseOfAKubelet) {
  lease_ = *ParseJson(R"({"spec": {"holderIdentity": "mac-1", "renewTime": "t0"}})");
  owner_ = {"k-1", false};
  Start();
  RunUntil([this] { return api_.requests().size() > 5; });
  EXPECT_FALSE(Trusted()) << "nobody renews it: others will think us dead";
  kubelet_renews_ = true;
  RunUntil([this] { return Trusted(); });
  EXPECT_EQ(patches_, 0);
}

TEST(LeaseOptions, LeavesTimeToKillBeforeOthersMayTakeOver) {
  for (const auto seconds : {5s, 40s, 3599s}) {
    const LeaseOptions options = LeaseOptions::For(seconds);
    const auto drain = std::chrono::milliseconds(seconds) / 8;
    EXPECT_LT(options.interval + options.retry * 2, options.trust) << "some renewals may fail";
    EXPECT_LE(options.trust + drain, std::chrono::milliseconds(seconds) * 3 / 4);
    EXPECT_LT(options.interval + options.timeout, options.trust);
  }
  const LeaseOptions usual = LeaseOptions::For(40s), standard;
  EXPECT_EQ(usual.interval, standard.interval);
  EXPECT_EQ(usual.retry, standard.retry);
  EXPECT_EQ(usual.timeout, standard.timeout);
  EXPECT_EQ(usual.trust, standard.trust);
  EXPECT_EQ(usual.first_trust, standard.first_trust);
}

}  // namespace
}  // namespace headroom::exporter

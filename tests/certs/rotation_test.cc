#include "certs/rotation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>

namespace headroom::certs {
namespace {

using namespace std::chrono_literals;
using Do = RotationStep::Do;
using testing::HasSubstr;

constexpr auto kDay = std::chrono::hours(24);
const std::string kName = "headroom-webhook.headroom-system.svc";
const WallTime kStart = *ParseRfc3339("2026-01-01T00:00:00Z");

RotationPolicy Policy() {
  return {.dns_names = {kName, kName + ".cluster.local"},
          .leaf_lifetime = 90 * kDay,
          .ca_lifetime = 365 * kDay,
          .settle = 60s};
}

// One leader, and everybody who learns of its steps later than it does: replicas of the stored
// certificate, API servers of the published bundle.
class Cluster {
 public:
  static constexpr auto kLag = 45s;

  WallTime now = kStart;
  Material stored;
  std::string live;  // as the leader sees it
  Rotation rotation{Policy()};
  std::map<Do, int> done;
  int refused = 0;
  std::string last_refusal;

  // One look of the leader; true when it did something.
  bool Look() {
    const auto step = rotation.Decide(stored, {live}, now);
    EXPECT_TRUE(step) << step.error().message();
    ++done[step->action];
    if (step->action == Do::kStore) {
      if (step->material.ca_pem != stored.ca_pem) ++ca_changes;
      if (step->material.leaf_pem != stored.leaf_pem) ++leaf_changes;
      stored = step->material;
      if (!stored.leaf_pem.empty()) leaves_.push_back({now, stored.leaf_pem});
    }
    if (step->action == Do::kPublish) {
      live = step->material.ca_pem;
      bundles_.push_back({now, live});
    }
    return step->action != Do::kNothing;
  }

  // Every API server calls every replica.
  void Call() {
    Forget(leaves_);
    Forget(bundles_);
    for (const Told& leaf : leaves_) {
      for (const Told& bundle : bundles_) {
        const auto chain = VerifyChain(leaf.pem, bundle.pem, kName, now);
        if (chain) continue;
        ++refused;
        last_refusal = FormatRfc3339(now) + ": " + chain.error().message();
      }
    }
  }

  // Looks and calls until `end`: closely while things change, else every two days.
  void RunUntil(WallTime end) {
    WallTime busy_until = now;
    while (now < end) {
      if (Look()) busy_until = now + 2min;
      if (!leaves_.empty()) Call();
      now += now < busy_until ? std::chrono::seconds(20) : std::chrono::seconds(48h);
    }
  }
  void Install() {
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(Look());
    EXPECT_FALSE(Look());
    done.clear();
  }
  size_t CaCount() const { return SplitBundle(stored.ca_pem)->size(); }

  int ca_changes = 0, leaf_changes = 0;

 private:
  struct Told {
    WallTime at;
    std::string pem;
  };
  // Everybody has heard of what is older than the lag; only the last such thing still counts.
  void Forget(std::deque<Told>& list) {
    while (list.size() > 1 && now - list[1].at > kLag) list.pop_front();
  }
  std::deque<Told> leaves_, bundles_;
};

TEST(Rotation, FirstInstallationPublishesBeforeItSigns) {
  Rotation rotation(Policy());
  auto step = *rotation.Decide({}, {""}, kStart);
  EXPECT_EQ(step.action, Do::kStore);
  EXPECT_THAT(step.reason, HasSubstr("none is stored"));
  EXPECT_TRUE(step.material.leaf_pem.empty());
  const Material stored = step.material;
  EXPECT_EQ(Describe(stored.ca_pem)->not_after, kStart + 365 * kDay);

  step = *rotation.Decide(stored, {""}, kStart);
  EXPECT_EQ(step.action, Do::kPublish);
  EXPECT_EQ(step.material.ca_pem, stored.ca_pem);

  step = *rotation.Decide(stored, {stored.ca_pem}, kStart);
  EXPECT_EQ(step.action, Do::kStore);
  EXPECT_EQ(step.material.ca_pem, stored.ca_pem);
  const auto leaf = *Describe(step.material.leaf_pem);
  EXPECT_EQ(leaf.not_after, kStart + 90 * kDay);
  EXPECT_EQ(leaf.not_before, kStart - 1h);
  for (const std::string& name : Policy().dns_names) {
    EXPECT_TRUE(VerifyChain(step.material.leaf_pem, stored.ca_pem, name, kStart)) << name;
  }
  EXPECT_EQ(rotation.Decide(step.material, {stored.ca_pem}, kStart)->action, Do::kNothing);
}

TEST(Rotation, NothingIsSignedWhileNobodyCanTrustIt) {
  Rotation rotation(Policy());
  const Material stored = rotation.Decide({}, {}, kStart)->material;
  EXPECT_EQ(rotation.Decide(stored, {}, kStart)->action, Do::kNothing);  // no configuration yet
  // One of two entries does not have it yet.
  EXPECT_EQ(rotation.Decide(stored, {stored.ca_pem, ""}, kStart)->action, Do::kPublish);
}

TEST(Rotation, ThreeRotationsOfCaAndManyOfCertificatesRefuseNobody) {
  Cluster cluster;
  cluster.Install();
  const auto first_ca = cluster.stored.ca_pem;
  // A CA lives until a leaf's life before its end, 275 days; the last one must still be dropped.
  cluster.RunUntil(kStart + (3 * 275 + 100) * kDay);
  EXPECT_EQ(cluster.refused, 0) << cluster.last_refusal;
  EXPECT_EQ(cluster.ca_changes, 1 + 3 * 2);
  EXPECT_GE(cluster.leaf_changes, 12);
  EXPECT_EQ(cluster.done[Do::kPublish], 3 * 2);
  EXPECT_EQ(cluster.CaCount(), 1u);
  EXPECT_NE(cluster.stored.ca_pem, first_ca);
}

TEST(Rotation, OldCaStaysUntilItsLastCertificateHasEnded) {
  Cluster cluster;
  cluster.Install();
  const auto old_ca = cluster.stored.ca_pem;
  while (cluster.CaCount() == 1) cluster.RunUntil(cluster.now + kDay);
  const WallTime added = cluster.now;
  while (cluster.CaCount() == 2) cluster.RunUntil(cluster.now + kDay);
  EXPECT_GE(cluster.now - added, 86 * kDay);
  EXPECT_LE(cluster.now - added, 94 * kDay);
  EXPECT_THAT(cluster.live, testing::Not(HasSubstr(old_ca)));
  EXPECT_EQ(cluster.refused, 0) << cluster.last_refusal;
}

TEST(Rotation, NewCaMustSettleBeforeItSigns) {
  Cluster cluster;
  cluster.Install();
  const std::string old_leaf = cluster.stored.leaf_pem;
  cluster.now = kStart + 276 * kDay - 30 * kDay;  // before the CA is due, with a fresh leaf
  ASSERT_TRUE(cluster.Look());
  cluster.now = kStart + 276 * kDay;
  const std::string leaf = cluster.stored.leaf_pem;
  ASSERT_NE(leaf, old_leaf);
  ASSERT_TRUE(cluster.Look());   // new CA
  ASSERT_TRUE(cluster.Look());   // published
  EXPECT_FALSE(cluster.Look());  // seen by us only
  cluster.now += 59s;
  EXPECT_FALSE(cluster.Look());
  cluster.now += 1s;
  EXPECT_TRUE(cluster.Look());
  EXPECT_NE(cluster.stored.leaf_pem, leaf);
}

TEST(Rotation, RepairsWhatOthersChanged) {
  const struct {
    const char* what;
    std::function<void(Cluster&)> harm;
  } cases[] = {
      {"the store was emptied", [](Cluster& c) { c.stored = {}; }},
      {"the CA's key was lost", [](Cluster& c) { c.stored.ca_key_pem.clear(); }},
      {"the CA was replaced by junk", [](Cluster& c) { c.stored.ca_pem = "junk"; }},
      {"the certificate was replaced by junk", [](Cluster& c) { c.stored.leaf_pem = "junk"; }},
      {"the certificate's key was lost", [](Cluster& c) { c.stored.leaf_key_pem.clear(); }},
      {"the bundle was emptied", [](Cluster& c) { c.live.clear(); }},
      {"the bundle was replaced by junk", [](Cluster& c) { c.live = "junk"; }},
  };
  for (const auto& c : cases) {
    Cluster cluster;
    cluster.Install();
    const std::string live = cluster.live;
    c.harm(cluster);
    const bool live_was_lost = cluster.live != live;
    cluster.RunUntil(cluster.now + kDay);
    EXPECT_EQ(cluster.refused, 0) << c.what << ": " << cluster.last_refusal;
    EXPECT_TRUE(VerifyChain(cluster.stored.leaf_pem, cluster.live, kName, cluster.now)) << c.what;
    // Replicas still use the certificate they have.
    EXPECT_TRUE(live_was_lost || cluster.live.find(live) != std::string::npos) << c.what;
  }
}

TEST(Rotation, TakesOverFromAnotherIssuerWithoutAGap) {
  // The API server trusts what cert-manager made, and replicas use a certificate of it.
  Cluster cluster;
  cluster.live = MakeCa("cert-manager", kStart, 365 * kDay)->certificate_pem;
  const std::string foreign = *SplitBundle(cluster.live)->begin();
  EXPECT_TRUE(cluster.Look());
  EXPECT_TRUE(cluster.Look());
  EXPECT_THAT(cluster.live, HasSubstr(foreign));
  EXPECT_EQ(cluster.CaCount(), 2u);
  cluster.RunUntil(kStart + 92 * kDay);
  EXPECT_EQ(cluster.CaCount(), 1u);
}

TEST(Rotation, ClockJumps) {
  const struct {
    const char* what;
    std::chrono::hours jump;
  } cases[] = {{"an hour back", -1h},
               {"a day on", kDay},
               {"two months on", 61 * kDay},
               {"past the certificate's end", 100 * kDay},
               {"past the CA's end", 400 * kDay},
               {"ten years on", 3650 * kDay},
               {"a year back", -365 * kDay}};
  for (const auto& c : cases) {
    Cluster cluster;
    cluster.Install();
    cluster.now += c.jump;
    for (int i = 0; i < 20; ++i) {
      cluster.Look();
      cluster.now += 20s;
    }
    EXPECT_FALSE(cluster.Look()) << c.what << ": does not come to rest";
    cluster.RunUntil(cluster.now + kDay);
    EXPECT_EQ(cluster.refused, 0) << c.what << ": " << cluster.last_refusal;
    EXPECT_TRUE(VerifyChain(cluster.stored.leaf_pem, cluster.live, kName, cluster.now)) << c.what;
  }
}

}  // namespace
}  // namespace headroom::certs

// Who may claim: the judgement of another node's Lease, old news, and who goes first.
#include <gtest/gtest.h>

#include "common/yaml.h"
#include "exporter/models/claim.h"

namespace headroom::exporter {
namespace {

using namespace std::chrono_literals;

LeaseRecord Lease(const std::string& renewed, int seconds = 40) {
  return DecodeLease(ParseYaml("spec: {holderIdentity: mac-2, renewTime: \"" + renewed +
                                   "\", leaseDurationSeconds: " + std::to_string(seconds) + "}",
                               "test")
                         ->at(0));
}

TEST(HolderWatch, ReadsLeases) {
  EXPECT_EQ(Lease("2026-01-02T03:04:05.000000Z", 15).duration, 15s);
  EXPECT_EQ(Lease("x", -1).duration, 40s);
  EXPECT_EQ(Lease("x", 1 << 30).duration, 40s) << "a claim must not be kept for ever";
  EXPECT_NE(Lease("a"), Lease("b"));
  EXPECT_EQ(DecodeLease(Json()).duration, 40s);
}

// The writer's clock may be 40 s behind or a year ahead: only that it writes counts.
TEST(HolderWatch, OneWhoRenewsLivesWhateverItsClockSays) {
  for (const char* const day : {"1970-01-01", "2026-01-02", "2099-12-31"}) {
    HolderWatch holders;
    SteadyTime now{};
    for (int i = 0; i < 60; ++i) {
      char time[32];
      std::snprintf(time, sizeof time, "%sT03:00:%02dZ", day, i);
      holders.Saw("mac-2", Lease(time), now);
      EXPECT_FALSE(holders.IsDead("mac-2", now)) << time;
      now += 30s;
    }
  }
}

TEST(HolderWatch, IsDeadWhenSeenUnchangedForItsDuration) {
  HolderWatch holders;
  const SteadyTime start{};
  EXPECT_FALSE(holders.IsDead("mac-2", start)) << "never looked at";
  holders.Saw("mac-2", Lease("t", 15), start);
  holders.Saw("mac-2", Lease("t", 15), start + 14s);
  EXPECT_FALSE(holders.IsDead("mac-2", start + 14s));
  EXPECT_EQ(holders.Remaining("mac-2", start + 14s), 1s);
  EXPECT_TRUE(holders.IsDead("mac-2", start + 15s));
  holders.Saw("mac-2", Lease("u", 15), start + 16s);
  EXPECT_FALSE(holders.IsDead("mac-2", start + 16s));
}

TEST(HolderWatch, NoLeaseIsNotDeadAtOnce) {
  HolderWatch holders;
  const SteadyTime start{};
  holders.Saw("mac-2", LeaseRecord(), start);
  EXPECT_FALSE(holders.IsDead("mac-2", start + 39s));
  EXPECT_TRUE(holders.IsDead("mac-2", start + 40s));
  holders.Saw("mac-2", Lease("t"), start + 41s);
  EXPECT_FALSE(holders.IsDead("mac-2", start + 41s));
}

TEST(HolderWatch, TimeOutOfTouchIsNoEvidence) {
  HolderWatch holders;
  const SteadyTime start{};
  holders.Saw("mac-2", Lease("t"), start);
  holders.OutOfTouch();
  holders.Saw("mac-2", Lease("t"), start + 300s);
  EXPECT_FALSE(holders.IsDead("mac-2", start + 300s));
  EXPECT_TRUE(holders.IsDead("mac-2", start + 340s));
}

TEST(Claim, IsHeldElsewhere) {
  HolderWatch holders;
  const SteadyTime start{};
  holders.Saw("dead", LeaseRecord(), start);
  holders.Saw("alive", LeaseRecord(), start + 30s);
  const SteadyTime now = start + 41s;
  struct Case {
    const char* holder;
    bool elsewhere;
  } const cases[] = {
      {"", false}, {"mac-1", false}, {"alive", true}, {"dead", false}, {"unknown", true}};
  for (const Case& c : cases) {
    kube::Workload workload;
    workload.claimed_by = c.holder;
    EXPECT_EQ(IsHeldElsewhere(workload, "mac-1", holders, now), c.elsewhere) << c.holder;
  }
}

TEST(Claim, TheNodeWithMostRoomGoesFirst) {
  constexpr uint64_t kNeed = 10;
  EXPECT_LT(ClaimDelay(kNeed, 400, 1000ms, 0.0), ClaimDelay(kNeed, 40, 1000ms, 0.0));
  EXPECT_LT(ClaimDelay(kNeed, 40, 1000ms, 0.0), ClaimDelay(kNeed, 11, 1000ms, 0.0));
  EXPECT_LT(ClaimDelay(kNeed, 40, 1000ms, 0.0), ClaimDelay(kNeed, 40, 1000ms, 0.9)) << "jitter";
  EXPECT_LE(ClaimDelay(kNeed, 0, 1000ms, 0.999), 2000ms);
  EXPECT_GE(ClaimDelay(0, 400, 1000ms, 0.0), 0ms);
}

TEST(Claim, KnowsOldNews) {
  EXPECT_TRUE(IsOlderVersion("9", "10"));
  EXPECT_FALSE(IsOlderVersion("10", "10"));
  EXPECT_FALSE(IsOlderVersion("11", "10"));
  EXPECT_FALSE(IsOlderVersion("", "10"));
  EXPECT_FALSE(IsOlderVersion("abc", "10")) << "cannot be compared";
}

TEST(Claim, TakesWhatTheObjectCarries) {
  kube::Workload workload;
  kube::Meta meta;
  meta.resource_version = "5";
  meta.annotations["headroom.dev/claimed-by"] = "mac-2";
  meta.annotations["headroom.dev/footprint-bytes"] = "123";
  TakeClaim(workload, meta);
  EXPECT_EQ(workload.claimed_by, "mac-2");
  EXPECT_EQ(workload.claimed_footprint, 123u);
  EXPECT_EQ(workload.meta.resource_version, "5");
  TakeClaim(workload, kube::Meta());
  EXPECT_EQ(workload.claimed_by, "");
  EXPECT_EQ(workload.claimed_footprint, std::nullopt);
}

}  // namespace
}  // namespace headroom::exporter

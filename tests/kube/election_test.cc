#include "kube/election.h"

#include <gtest/gtest.h>

namespace headroom::kube {
namespace {

using namespace std::chrono_literals;

const SteadyTime kStart{1000s};
const WallTime kWall = *ParseRfc3339("2026-01-02T03:04:05Z");

std::string HolderOf(const std::optional<Json>& lease) {
  return lease ? StringOr(*lease, {"spec", "holderIdentity"}) : "nobody asked";
}

TEST(Election, TakesALeaseThatDoesNotExist) {
  Election a("a");
  const auto lease = a.Next(Json(), kStart, kWall);
  ASSERT_TRUE(lease);
  EXPECT_EQ(WriteJson(*lease),
            R"({"apiVersion":"coordination.k8s.io/v1","kind":"Lease","spec":{)"
            R"("leaseTransitions":0,"acquireTime":"2026-01-02T03:04:05.000000Z",)"
            R"("holderIdentity":"a","leaseDurationSeconds":15,)"
            R"("renewTime":"2026-01-02T03:04:05.000000Z"}})");
  EXPECT_FALSE(a.Leads(kStart));  // not before the API server took it
  a.OnWritten(kStart);
  EXPECT_TRUE(a.Leads(kStart));
}

TEST(Election, AHolderThatRenewsKeepsIt) {
  Election a("a"), b("b");
  Json lease = *a.Next(Json(), kStart, kWall);
  for (auto at = 0s; at < 60s; at += 2s) {
    EXPECT_FALSE(b.Next(lease, kStart + at, kWall)) << at.count();
    lease = *a.Next(lease, kStart + at, kWall + at + 1s);
  }
  EXPECT_EQ(IntOr(lease, {"spec", "leaseTransitions"}, -1), 0);
}

TEST(Election, ASilentHolderIsReplacedAfterItsDurationAsWeSawIt) {
  Election a("a"), b("b");
  // The holder's clock is years behind: only that nothing changes counts.
  const Json lease = *a.Next(Json(), kStart, kWall - std::chrono::hours(24 * 900));
  EXPECT_FALSE(b.Next(lease, kStart, kWall));
  EXPECT_FALSE(b.Next(lease, kStart + 14s, kWall));
  const auto taken = b.Next(lease, kStart + 15s, kWall);
  EXPECT_EQ(HolderOf(taken), "b");
  EXPECT_EQ(IntOr(*taken, {"spec", "leaseTransitions"}, -1), 1);
}

TEST(Election, StopsLeadingBeforeAnotherMayBegin) {
  Election a("a");
  const Json lease = *a.Next(Json(), kStart, kWall);
  a.OnWritten(kStart);
  EXPECT_TRUE(a.Leads(kStart + 9s));
  EXPECT_FALSE(a.Leads(kStart + 10s));
  static_assert(Election::kRenewDeadline < Election::kDuration);
}

TEST(Election, LosesToWhoeverHoldsTheLease) {
  Election a("a"), b("b");
  a.OnWritten(kStart);
  const Json others = *b.Next(Json(), kStart, kWall);
  EXPECT_FALSE(a.Next(others, kStart + 1s, kWall));
  EXPECT_FALSE(a.Leads(kStart + 1s));
}

TEST(Election, AReleasedLeaseIsFreeAtOnce) {
  Election a("a"), b("b");
  Json lease = *a.Next(Json(), kStart, kWall);
  EXPECT_FALSE(a.Release(lease, kWall));  // does not lead yet
  a.OnWritten(kStart);
  EXPECT_FALSE(b.Next(lease, kStart, kWall));
  lease = *a.Release(lease, kWall);
  EXPECT_EQ(HolderOf(b.Next(lease, kStart + 1s, kWall)), "b");
  EXPECT_FALSE(b.Release(lease, kWall));  // not its own
}

}  // namespace
}  // namespace headroom::kube

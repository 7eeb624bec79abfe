#include "exporter/node/node_document.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "common/yaml.h"
#include "kube/objects.h"

namespace headroom::exporter {
namespace {

using namespace std::chrono_literals;

NodeIdentity Mac() { return {"mac-1", "darwin", "arm64", "Darwin 24.4.0", 16, "10.0.0.5"}; }

estimator::NodeCapacity Capacity() {
  estimator::NodeCapacity capacity;
  capacity.name = "mac-1";
  capacity.memory_total = 64ull << 30;
  capacity.memory_budget = 48ull << 30;
  capacity.budget_source = "adaptive 0.75";
  capacity.gpu_working_set = 48ull << 30;
  capacity.available = 40ull << 30;
  capacity.wired = 5ull << 30;
  capacity.pressure = "normal";
  capacity.observed_at = *ParseRfc3339("2026-01-02T03:04:05Z");
  return capacity;
}

TEST(NodeDocument, IsTheNodeTheApiWouldGive) {
  const Json node = NodeDocument(Mac(), Capacity(), *ParseRfc3339("2026-01-02T03:04:06Z"));
  std::ifstream file(HEADROOM_TEST_DATA "/node/node.yaml");
  std::stringstream golden;
  golden << file.rdbuf();
  const std::string got = WriteYaml(node);
  // The version is the only thing that moves from release to release.
  std::string want = golden.str();
  for (size_t at; (at = want.find("@VERSION@")) != std::string::npos;) {
    want.replace(at, 9, HEADROOM_VERSION);
  }
  EXPECT_EQ(got, want);
  const kube::Node decoded = kube::DecodeNode(node);
  EXPECT_TRUE(decoded.publishes);
  EXPECT_EQ(decoded.capacity.invalid, "");
  EXPECT_TRUE(decoded.capacity.schedulable);
  EXPECT_TRUE(IsRegistered(node));
}

TEST(NodeDocument, KnowsItsOwnFromAKubelets) {
  const auto parse = [](const char* text) { return ParseYaml(text, "test").value().front(); };
  EXPECT_TRUE(IsRegistered(parse("{spec: {providerID: 'headroom://mac-1'}}")));
  EXPECT_TRUE(IsRegistered(parse("{metadata: {labels: {headroom.dev/registered: 'true'}}}")));
  EXPECT_FALSE(IsRegistered(parse("{spec: {providerID: 'aws:///i-1'}}")));
  EXPECT_FALSE(IsRegistered(parse("{metadata: {name: mac-1}}")));
}

TEST(NodeDocument, TransitionTimesStayWhereNothingChanged) {
  const WallTime first{1'000'000s}, second{1'000'060s};
  const auto since = [](const Json& node, size_t index) {
    return StringOr((*node.Find({"status", "conditions"})->AsArray())[index],
                    {"lastTransitionTime"});
  };
  const Json before = StatusDocument(Mac(), Capacity(), Json(), first);
  auto capacity = Capacity();
  capacity.pressure = "critical";
  const Json after = StatusDocument(Mac(), capacity, before, second);
  EXPECT_EQ(since(after, 0), FormatRfc3339(second));  // MemoryPressure
  EXPECT_EQ(since(after, 1), FormatRfc3339(first));   // Ready
}

TEST(NodeDocument, MemoryPressureFollowsTheLevel) {
  for (const auto& [level, status] : {std::pair{"normal", "False"},
                                      {"warning", "True"},
                                      {"critical", "True"},
                                      {"unknown", "Unknown"}}) {
    auto capacity = Capacity();
    capacity.pressure = level;
    const Json node = StatusDocument(Mac(), capacity, Json(), WallTime{});
    EXPECT_EQ(StringOr(node.Find({"status", "conditions"})->AsArray()->front(), {"status"}), status)
        << level;
  }
}

TEST(NodeDocument, APatchRemovesWhatNoLongerHolds) {
  const Json patch = AnnotationPatch(Capacity());
  const Json* annotations = patch.Find({"metadata", "annotations"});
  ASSERT_NE(annotations, nullptr);
  EXPECT_EQ(StringOr(*annotations, {"headroom.dev/memory-total"}), "68719476736");
  const Json* runtime = annotations->Find("headroom.dev/runtime-version");
  ASSERT_NE(runtime, nullptr);
  EXPECT_TRUE(runtime->IsNull());
  EXPECT_EQ(annotations->AsObject()->size(), kube::NodeAnnotationKeys().size());
}

TEST(NodeDocument, TheLeaseBelongsToTheNode) {
  const Json lease = LeaseDocument("mac-1", "u-1", 40s, WallTime{1'000'000s});
  EXPECT_EQ(StringOr(lease, {"metadata", "namespace"}), "kube-node-lease");
  EXPECT_EQ(StringOr(lease.Find({"metadata", "ownerReferences"})->AsArray()->front(), {"uid"}),
            "u-1");
  EXPECT_EQ(StringOr(lease, {"spec", "renewTime"}), "1970-01-12T13:46:40.000000Z");
}

TEST(ThisHost, SpeaksKubernetesWords) {
  const NodeIdentity host = ThisHost("me", "");
  EXPECT_TRUE(host.os == "linux" || host.os == "darwin") << host.os;
  EXPECT_TRUE(host.arch == "amd64" || host.arch == "arm64") << host.arch;
  EXPECT_GT(host.cpus, 0u);
}

}  // namespace
}  // namespace headroom::exporter

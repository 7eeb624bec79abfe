#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kube/objects.h"

namespace headroom::kube {
namespace {

using ::testing::HasSubstr;

estimator::NodeCapacity Full() {
  estimator::NodeCapacity capacity;
  capacity.name = "mac-1";
  capacity.memory_total = 64ull << 30;
  capacity.memory_budget = 48ull << 30;
  capacity.budget_source = "adaptive 0.75";
  capacity.gpu_working_set = 51539607552;
  capacity.available = 30ull << 30;
  capacity.wired = 4ull << 30;
  capacity.committed = 12345;
  capacity.commitments = {{"InferenceService/team-a/chat", 12000}, {"Model/team-a/llama", 0}};
  capacity.pressure = "warning";
  capacity.accelerator = "cpu";
  capacity.runtime_version = "b9871";
  capacity.metrics_address = "10.0.0.5:9836";
  capacity.agent_version = "0.1.0";
  capacity.observed_at = *ParseRfc3339("2026-01-02T03:04:05Z");
  return capacity;
}

Json NodeWith(const std::map<std::string, std::string>& annotations) {
  Json node = Json::MakeObject();
  node.Make({"metadata", "name"}) = "mac-1";
  for (const auto& [key, value] : annotations) {
    node.Make({"metadata", "annotations"}).Set(key, value);
  }
  return node;
}

// As a reader of DecodedFields() has it: they are complete for Nodes, too.
Node Decode(const Json& object) {
  return DecodeNode(ParseJson(WriteJson(object), DecodedFields()).value());
}

TEST(NodeAnnotations, RoundTrip) {
  const auto want = Full();
  const Node node = Decode(NodeWith(EncodeAnnotations(want)));
  const auto& got = node.capacity;
  EXPECT_TRUE(node.publishes);
  EXPECT_EQ(got.invalid, "");
  EXPECT_EQ(got.name, want.name);
  EXPECT_EQ(got.memory_total, want.memory_total);
  EXPECT_EQ(got.memory_budget, want.memory_budget);
  EXPECT_EQ(got.budget_source, want.budget_source);
  EXPECT_EQ(got.gpu_working_set, want.gpu_working_set);
  EXPECT_EQ(got.available, want.available);
  EXPECT_EQ(got.wired, want.wired);
  EXPECT_EQ(got.committed, want.committed);
  EXPECT_EQ(got.commitments, want.commitments);
  EXPECT_EQ(got.pressure, want.pressure);
  EXPECT_EQ(got.accelerator, want.accelerator);
  EXPECT_EQ(got.runtime_version, want.runtime_version);
  EXPECT_EQ(got.metrics_address, want.metrics_address);
  EXPECT_EQ(got.agent_version, want.agent_version);
  EXPECT_EQ(got.observed_at, want.observed_at);
}

TEST(NodeAnnotations, EveryEncodedKeyIsListed) {
  const auto encoded = EncodeAnnotations(Full());
  EXPECT_EQ(encoded.size(), NodeAnnotationKeys().size());
  for (const std::string& key : NodeAnnotationKeys()) EXPECT_EQ(encoded.count(key), 1u) << key;
}

TEST(NodeAnnotations, ProblemsNameKeyExpectedFormAndValue) {
  const struct {
    const char *key, *value, *want;
  } cases[] = {
      {"memory-total", "64Gi",
       "headroom.dev/memory-total: expected a whole number of bytes, got '64Gi'"},
      {"memory-budget", "-1",
       "headroom.dev/memory-budget: expected a whole number of bytes, got '-1'"},
      {"memory-committed", "", "headroom.dev/memory-committed: expected a whole number"},
      {"memory-committed-workloads", "Model/a/b=1 Model/a/c",
       "expected KIND/NAMESPACE/NAME=BYTES, separated by blanks, got 'Model/a/c'"},
      {"memory-committed-workloads", "=1", "separated by blanks, got '=1'"},
      {"memory-committed-workloads", "Model/a/b=-1", "got 'Model/a/b=-1'"},
      {"memory-committed-workloads", "a=1  b=2", "got ''"},
      {"gpu-working-set", "99999999999999999999", "headroom.dev/gpu-working-set: expected"},
      {"accelerator", "cuda", "headroom.dev/accelerator: expected metal or cpu, got 'cuda'"},
      {"observed-at", "today", "headroom.dev/observed-at: expected an RFC 3339 time, got 'today'"},
  };
  for (const auto& c : cases) {
    auto annotations = EncodeAnnotations(Full());
    annotations[std::string(kPrefix) + c.key] = c.value;
    EXPECT_THAT(Decode(NodeWith(annotations)).capacity.invalid, HasSubstr(c.want));
  }
}

TEST(NodeAnnotations, MoreCommitmentsThanAnAnnotationTakesAreLeftOut) {
  auto capacity = Full();
  const std::string name(200, 'n');
  for (int i = 0; i < 1000; ++i) capacity.commitments.push_back({name + std::to_string(i), 1});
  const auto annotations = EncodeAnnotations(capacity);
  const std::string& text = annotations.at("headroom.dev/memory-committed-workloads");
  EXPECT_LE(text.size(), 64u << 10);
  const auto got = Decode(NodeWith(annotations)).capacity;
  EXPECT_EQ(got.invalid, "");
  EXPECT_GT(got.commitments.size(), 300u);
  EXPECT_LT(got.commitments.size(), 330u);
}

TEST(NodeAnnotations, AddressesComeFromTheStatus) {
  Json node = NodeWith(EncodeAnnotations(Full()));
  Json addresses = Json::MakeArray();
  for (const auto& [type, address] :
       {std::pair{"InternalIP", "10.0.0.5"}, {"Hostname", "mac-1"}, {"InternalIP", ""}}) {
    Json one = Json::MakeObject();
    one.Set("type", type);
    one.Set("address", address);
    addresses.Append(std::move(one));
  }
  node.Make({"status", "addresses"}) = std::move(addresses);
  EXPECT_EQ(Decode(node).addresses, (std::vector<std::string>{"10.0.0.5", "mac-1"}));
}

TEST(NodeAnnotations, AForeignNodePublishesNothing) {
  const Node node = Decode(NodeWith({{"other.dev/x", "1"}, {"headroom.deviant/x", "1"}}));
  EXPECT_FALSE(node.publishes);
  EXPECT_THAT(node.capacity.invalid, HasSubstr("headroom.dev/memory-total is missing"));
  EXPECT_EQ(node.capacity.pressure, "unknown");
}

TEST(NodeAnnotations, NumbersWithoutATimeAreNotTrusted) {
  auto annotations = EncodeAnnotations(Full());
  annotations.erase(std::string(kPrefix) + "observed-at");
  EXPECT_THAT(Decode(NodeWith(annotations)).capacity.invalid,
              HasSubstr("headroom.dev/observed-at is missing"));
}

TEST(NodeAnnotations, CordonedOrNotReadyIsUnschedulable) {
  Json node = NodeWith(EncodeAnnotations(Full()));
  EXPECT_TRUE(Decode(node).capacity.schedulable);
  Json cordoned = node;
  cordoned.Make({"spec", "unschedulable"}) = true;
  EXPECT_FALSE(Decode(cordoned).capacity.schedulable);
  for (const auto& [status, schedulable] :
       {std::pair{"True", true}, {"Unknown", true}, {"False", false}}) {
    Json condition = Json::MakeObject();
    condition.Set("type", "Ready");
    condition.Set("status", status);
    Json with = node;
    with.Make({"status", "conditions"}).Append(condition);
    EXPECT_EQ(Decode(with).capacity.schedulable, schedulable) << status;
  }
}

}  // namespace
}  // namespace headroom::kube

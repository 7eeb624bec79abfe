// Claim, workload join, pre-flight, status and ports.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/yaml.h"
#include "exporter/models/claim.h"
#include "exporter/models/ports.h"
#include "exporter/models/preflight.h"
#include "exporter/models/status.h"
#include "exporter/models/workload_set.h"

namespace headroom::exporter {
namespace {

using kube::Kind;
using kube::ObjectEvent;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

Json Object(const char* yaml) { return ParseYaml(yaml, "test")->at(0); }

WallTime At(const char* time) { return *ParseRfc3339(time); }

kube::Node Self(const std::string& name, const std::string& accelerator) {
  kube::Node node;
  node.meta.name = name;
  node.publishes = true;
  node.capacity.name = name;
  node.capacity.accelerator = accelerator;
  return node;
}

const char* const kModel = R"(
apiVersion: inference.llmkube.dev/v1alpha1
kind: Model
metadata: {name: llama, namespace: a, resourceVersion: "7", generation: 2}
spec:
  source: /models/llama.gguf
  hardware: {accelerator: metal}
  serving: {contextSize: 4096, extraArgs: [--temp, "0"]}
status: {phase: Ready}
)";
const char* const kPlainModel = R"(
metadata: {name: weights, namespace: a}
spec: {source: /models/w.gguf, hardware: {accelerator: metal}}
)";
const char* const kService = R"(
metadata: {name: chat, namespace: a}
spec: {modelRef: weights, runtime: llamacpp, contextSize: 8192}
)";

TEST(WorkloadSet, JoinsInAnyOrder) {
  WorkloadSet set;
  EXPECT_THAT(set.Apply(Kind::kModel, {ObjectEvent::Type::kUpsert, Object(kModel)}),
              ElementsAre("Model/a/llama"));
  EXPECT_THAT(set.Apply(Kind::kInferenceService, {ObjectEvent::Type::kUpsert, Object(kService)}),
              IsEmpty());
  EXPECT_THAT(set.Apply(Kind::kModel, {ObjectEvent::Type::kUpsert, Object(kPlainModel)}),
              ElementsAre("InferenceService/a/chat"));
  ASSERT_NE(set.Find("InferenceService/a/chat"), nullptr);
  EXPECT_EQ(set.Find("InferenceService/a/chat")->workload.source, "/models/w.gguf");
  EXPECT_EQ(set.Find("Model/a/llama")->fields, Object(kModel).Find("spec")->Find("serving")[0]);
  EXPECT_THAT(set.Apply(Kind::kModel, {ObjectEvent::Type::kDelete, Object(kPlainModel)}),
              ElementsAre("InferenceService/a/chat"));
  EXPECT_EQ(set.Find("InferenceService/a/chat"), nullptr);
  set.Apply(Kind::kModel, {ObjectEvent::Type::kDelete, Object(kModel)});
  EXPECT_THAT(set.entries(), IsEmpty());
}

TEST(WorkloadSet, SpecChangesAreToldFromStatusAndClaims) {
  WorkloadSet set;
  Json object = Object(kModel);
  set.Apply(Kind::kModel, {ObjectEvent::Type::kUpsert, object});
  const std::string before = set.Find("Model/a/llama")->spec;
  object.Make({"metadata", "annotations"}).Set(kube::kClaimedByAnnotation, "mac-1");
  object.Make({"metadata"}).Set("resourceVersion", "8");
  object.Make({"status"}).Set("phase", "Failed");
  set.Apply(Kind::kModel, {ObjectEvent::Type::kUpsert, object});
  EXPECT_EQ(set.Find("Model/a/llama")->spec, before);
  EXPECT_EQ(set.Find("Model/a/llama")->workload.claimed_by, "mac-1");
  object.Make({"metadata", "annotations"}).Set(kube::kNodeAnnotation, "mac-2");
  set.Apply(Kind::kModel, {ObjectEvent::Type::kUpsert, object});
  EXPECT_NE(set.Find("Model/a/llama")->spec, before);
}

TEST(Claim, PatchesAreOptimistic) {
  kube::Meta meta;
  meta.resource_version = "7";
  EXPECT_EQ(WriteJson(ClaimPatch(meta, "mac-1", 123)),
            R"({"metadata":{"resourceVersion":"7","annotations":)"
            R"({"headroom.dev/claimed-by":"mac-1","headroom.dev/footprint-bytes":"123"}}})");
  EXPECT_EQ(WriteJson(ReleasePatch(meta)),
            R"({"metadata":{"resourceVersion":"7","annotations":)"
            R"({"headroom.dev/claimed-by":null,"headroom.dev/footprint-bytes":null}}})");
}

TEST(Claim, IsForNode) {
  const kube::Node mac = Self("mac-1", "metal"), linux_host = Self("box", "cpu");
  kube::Workload any, bound;
  any.accelerator = bound.accelerator = "metal";
  bound.node_name = "box";
  EXPECT_TRUE(IsForNode(any, mac, false));
  EXPECT_FALSE(IsForNode(any, linux_host, false));
  EXPECT_TRUE(IsForNode(any, linux_host, true)) << "nobody else reads this folder";
  EXPECT_TRUE(IsForNode(bound, linux_host, false)) << "bound by name, whatever it asks for";
  EXPECT_FALSE(IsForNode(bound, mac, false));
  EXPECT_FALSE(IsForNode(bound, mac, true));
  any.accelerator = "cuda";
  EXPECT_FALSE(IsForNode(any, mac, false)) << "somebody else's";
  bound.meta.deleting = true;
  EXPECT_FALSE(IsForNode(bound, linux_host, false));
}

TEST(Preflight, ServesOnThisNodesTerms) {
  kube::Workload workload = *kube::WorkloadOf(kube::DecodeModel(Object(kModel)));
  const auto serving = NodeServing(workload, "cpu", "0.7.0", 5);
  ASSERT_TRUE(serving) << serving.error().message();
  EXPECT_EQ(serving->context, 4096u);
  EXPECT_EQ(serving->device, estimator::Device::kCpu);
  EXPECT_EQ(serving->runtime_version, "0.7.0");
  EXPECT_EQ(serving->mmproj_bytes, 5u);
}

StatusInput ReadyInput() {
  StatusInput input;
  input.generation = 2;
  input.current = Object(R"(
conditions:
- {type: Degraded, status: "False", reason: Fine, message: x, lastTransitionTime: t0}
- {type: Available, status: "False", reason: Loading, message: "", lastTransitionTime: t1}
- {type: Claimed, status: "True", reason: Claimed, message: y, lastTransitionTime: t2}
- {type: FieldsIgnored, status: "True", reason: NotHonoured, message: z}
)");
  input.state = State::kReady;
  input.claimed = true;
  input.node = "mac-1";
  input.endpoint = "http://10.0.0.7:19900";
  input.footprint = 99;
  input.restarts = 1;
  return input;
}

TEST(Status, OfAReadyModelKeepsOtherOwnersConditions) {
  const Json patch = StatusPatch(ReadyInput(), At("2026-01-02T03:04:05Z"));
  EXPECT_EQ(
      WriteJson(patch),
      R"({"status":{"conditions":[)"
      R"({"type":"Degraded","status":"False","reason":"Fine","message":"x",)"
      R"("lastTransitionTime":"t0"},)"
      R"({"type":"Available","status":"True","reason":"Ready","message":"http://10.0.0.7:19900",)"
      R"("lastTransitionTime":"2026-01-02T03:04:05Z","observedGeneration":2},)"
      R"({"type":"Claimed","status":"True","reason":"Claimed","message":"by node mac-1",)"
      R"("lastTransitionTime":"t2","observedGeneration":2}],)"
      R"("serving":{"phase":"Ready","endpoint":"http://10.0.0.7:19900","schedulingStatus":null,)"
      R"("schedulingMessage":null,"node":"mac-1","message":null,"footprintBytes":99,)"
      R"("restarts":1,"startedAt":null,"process":null,"download":null}}})");
}

TEST(Status, OfTheRunningProcess) {
  StatusInput input = ReadyInput();
  input.started = At("2026-01-02T03:04:00Z");
  input.memory = ProcessMemory{.resident = 7, .footprint = 8};
  input.exceeded = "uses 2.0 GiB, 1.0 GiB more than the 1.0 GiB it was admitted with";
  const Json patch = StatusPatch(input, At("2026-01-02T03:04:05Z"));
  const Json& serving = *patch.Find({"status", "serving"});
  EXPECT_EQ(StringOr(serving, {"startedAt"}), "2026-01-02T03:04:00Z");
  EXPECT_EQ(WriteJson(*serving.Find("process")), R"({"footprintBytes":8,"residentBytes":7})");
  EXPECT_THAT(WriteJson(patch),
              HasSubstr(R"("reason":"OverEstimate","message":"uses 2.0 GiB, 1.0 GiB more than)"));
  EXPECT_EQ(ExceededEvent(input.exceeded, "mac-1").reason, "FootprintExceeded");
  input.memory->footprint.reset();
  const Json unread = StatusPatch(input, {});
  EXPECT_TRUE(unread.Find({"status", "serving", "process", "footprintBytes"})->IsNull());
}

TEST(Status, OfASuspendedService) {
  StatusInput input = ReadyInput();
  input.kind = Kind::kInferenceService;
  input.state = State::kGone;
  input.claimed = false;
  input.stopped = "Suspended";
  Json patch = StatusPatch(input, {});
  EXPECT_EQ(StringOr(patch, {"status", "phase"}), "Suspended");
  EXPECT_THAT(WriteJson(patch), HasSubstr(R"("status":"False","reason":"Suspended")"));
  input.stopped = "ManuallyScaledToZero";
  patch = StatusPatch(input, {});
  EXPECT_EQ(StringOr(patch, {"status", "phase"}), "Stopped");
  EXPECT_THAT(WriteJson(patch), HasSubstr(R"("reason":"ManuallyScaledToZero")"));
}

TEST(Status, OfAServiceUsesLlmkubesWords) {
  StatusInput input = ReadyInput();
  input.kind = Kind::kInferenceService;
  input.state = State::kWaitingForMemory;
  input.reason = "needs 52.1 GiB";
  Json patch = StatusPatch(input, At("2026-01-02T03:04:05Z"));
  const Json& status = *patch.Find("status");
  EXPECT_EQ(StringOr(status, {"phase"}), "Pending");
  EXPECT_EQ(StringOr(status, {"schedulingStatus"}), "InsufficientMemory");
  EXPECT_EQ(StringOr(status, {"schedulingMessage"}), "needs 52.1 GiB");
  EXPECT_EQ(IntOr(status, {"replicas"}, -1), 0);
  EXPECT_EQ(IntOr(status, {"readyReplicas"}, -1), 0);
  EXPECT_EQ(status.Find("serving"), nullptr);
  input.state = State::kLoading;
  input.running = true;
  const Json loading = StatusPatch(input, {});
  EXPECT_EQ(IntOr(loading, {"status", "replicas"}, -1), 1);
  EXPECT_EQ(IntOr(loading, {"status", "readyReplicas"}, -1), 0);
  input.running = false;
  input.state = State::kBackoff;
  input.check_failed = true;
  patch = StatusPatch(input, {});
  EXPECT_EQ(StringOr(patch, {"status", "schedulingStatus"}), "MemoryCheckFailed");
  input.state = State::kGone;
  input.check_failed = false;
  patch = StatusPatch(input, {});
  EXPECT_EQ(StringOr(patch, {"status", "phase"}), "Stopped");
  EXPECT_TRUE(patch.Find({"status", "schedulingStatus"})->IsNull());
}

TEST(Status, TellsHowFarADownloadIs) {
  StatusInput input = ReadyInput();
  input.download = sources::DownloadProgress{25, 100, 1, 1, 25, 100};
  EXPECT_TRUE(StatusPatch(input, {}).Find({"status", "serving", "download"})->IsNull());
  input.state = State::kFetching;
  input.reason = "fetching https h/m.gguf";
  const Json patch = StatusPatch(input, {});
  EXPECT_EQ(StringOr(patch, {"status", "serving", "phase"}), "Downloading");
  EXPECT_EQ(WriteJson(*patch.Find({"status", "serving", "download"})),
            R"({"bytes":25,"totalBytes":100,"percent":25})");
  EXPECT_EQ(StateEvent(input.state, input.reason, false, "m")->message,
            "fetching https h/m.gguf on node m");
}

TEST(Status, ReportsIgnoredFields) {
  StatusInput input = ReadyInput();
  input.not_honoured = {"spec.env: no", "spec.image: no"};
  const Json patch = StatusPatch(input, {});
  EXPECT_THAT(WriteJson(patch), HasSubstr(R"("message":"spec.env: no\nspec.image: no")"));
  const auto event = FieldsEvent(input.not_honoured);
  EXPECT_TRUE(event.warning);
  EXPECT_EQ(event.message, "have no effect on this node:\nspec.env: no\nspec.image: no");
}

TEST(Status, Events) {
  EXPECT_FALSE(StateEvent(State::kClaiming, "", false, "m"));
  EXPECT_EQ(StateEvent(State::kReady, "", false, "m")->message, "serving on node m");
  EXPECT_EQ(StateEvent(State::kBackoff, "x", true, "m")->reason, "MemoryCheckFailed");
  EXPECT_TRUE(StateEvent(State::kWaitingForMemory, "x", false, "m")->warning);
}

TEST(Ports, WildcardsAreAskedOnLoopback) {
  EXPECT_EQ(DialHost("0.0.0.0"), "127.0.0.1");
  EXPECT_EQ(DialHost("::"), "::1");
  EXPECT_EQ(DialHost("10.0.0.7"), "10.0.0.7");
}

TEST(Ports, ParsesAndPicks) {
  EXPECT_EQ(ParsePortRange("19900-19999")->last, 19999);
  EXPECT_EQ(ParsePortRange("8080")->first, 8080);
  for (const char* bad : {"", "0", "2-1", "1-70000", "a-b", "1-2-3", "-5"}) {
    EXPECT_FALSE(ParsePortRange(bad)) << bad;
  }
  const auto full = PickPort({40000, 40001}, {40000, 40001}, "127.0.0.1");
  ASSERT_FALSE(full);
  EXPECT_THAT(full.error().message(), HasSubstr("40000-40001"));
}

}  // namespace
}  // namespace headroom::exporter

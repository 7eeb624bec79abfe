// Every field of the two objects: what an edit of it does to the command line, whether it restarts
// the server, and whether a field without effect is reported.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporter/models/launch.h"
#include "exporter/models/preflight.h"
#include "exporter/models/workload_set.h"
#include "tests/exporter/recorded_runtime.h"

namespace headroom::exporter {
namespace {

using testing::HasSubstr;

constexpr char kService[] = R"({"kind": "InferenceService",
  "metadata": {"name": "s", "namespace": "n", "labels": {"a": "b"}},
  "spec": {"modelRef": "m", "contextSize": 4096}})";
constexpr char kModel[] = R"({"kind": "Model",
  "metadata": {"name": "m", "namespace": "n"},
  "spec": {"source": "https://h.example/m.gguf", "hardware": {"accelerator": "metal"}}})";
constexpr char kServing[] = R"({"kind": "Model",
  "metadata": {"name": "m", "namespace": "n"},
  "spec": {"source": "https://h.example/m.gguf", "hardware": {"accelerator": "metal"},
           "serving": {"contextSize": 4096}}})";

struct Launched {
  std::string line, identity, ignored;
  std::string spec;  // WorkloadSet::Entry's: a change makes the manager look again
};

// The way from objects to a launch, as the manager goes it.
Result<Launched> Launch(const char* object, const char* model, const std::string& patch,
                        bool patch_model) {
  Json owner = *ParseJson(object), weights = *ParseJson(model);
  MergePatch(patch_model ? weights : owner, *ParseJson(patch));
  const bool service = StringOr(owner, {"kind"}) == "InferenceService";
  WorkloadSet set;
  using Type = kube::ObjectEvent::Type;
  set.Apply(kube::Kind::kModel, {Type::kUpsert, service || patch_model ? weights : owner});
  if (service) set.Apply(kube::Kind::kInferenceService, {Type::kUpsert, owner});
  const auto* entry = set.Find(service ? "InferenceService/n/s" : "Model/n/m");
  if (entry == nullptr) return Error(Code::kNotFound, "no workload");
  static const Runtime runtime = RecordedRuntime();
  auto serving = NodeServing(entry->workload, "metal", runtime.version, 0);
  if (!serving) return serving.error();
  LaunchInput input;
  input.runtime = &runtime;
  input.workload = &entry->workload;
  input.fields = entry->fields;
  input.model_fields = entry->model_fields;
  input.serving = *serving;
  input.model_path = "/store/" + entry->workload.source;
  input.mmproj_path = entry->workload.spec.mmproj;
  const auto plan = PlanLaunch(input);
  if (!plan) return plan.error();
  Launched out{"", plan->identity, "", entry->spec};
  for (const auto& argument : plan->arguments) out.line += argument + " ";
  for (const auto& line : plan->not_honoured) out.ignored += line + "\n";
  return out;
}

struct Row {
  const char* patch;
  const char* argument;  // what is in the command line then; "" = it stays as it was
  const char* ignored = "";
};

void Check(const Row& row, const char* object, const char* model, bool patch_model) {
  const auto before = Launch(object, model, "{}", patch_model);
  const auto after = Launch(object, model, row.patch, patch_model);
  ASSERT_TRUE(before && after) << row.patch << (after ? "" : after.error().message());
  const bool same = *row.argument == '\0';
  if (same) {
    EXPECT_EQ(after->line, before->line) << row.patch;
  } else {
    EXPECT_THAT(after->line, HasSubstr(row.argument)) << row.patch;
  }
  EXPECT_EQ(after->identity == before->identity, same) << row.patch;
  EXPECT_TRUE(same || after->spec != before->spec) << row.patch << ": nobody would look again";
  if (*row.ignored == '\0') {
    EXPECT_EQ(after->ignored, before->ignored) << row.patch;
  } else {
    EXPECT_THAT(after->ignored, HasSubstr(row.ignored)) << row.patch;
  }
}

TEST(Fields, OfAService) {
  const Row rows[] = {
      {R"({"spec": {"contextSize": 8192}})", "--ctx-size 8192 "},
      {R"({"spec": {"contextSize": null}})", "--ctx-size 2048 "},
      {R"({"spec": {"parallelSlots": 2}})", "--parallel 2 --no-kv-unified "},
      {R"({"spec": {"flashAttention": true}})", ""},
      {R"({"spec": {"flashAttention": false}})", "--flash-attn auto "},
      {R"({"spec": {"jinja": true}})", "--jinja "},
      {R"({"spec": {"jinja": false}})", ""},
      {R"({"spec": {"moeCPUOffload": true}})", "--cpu-moe "},
      {R"({"spec": {"moeCPULayers": 3}})", "--n-cpu-moe 3 "},
      {R"({"spec": {"noKvOffload": true}})", "--no-kv-offload "},
      {R"({"spec": {"noWarmup": true}})", "--no-warmup "},
      {R"({"spec": {"cacheTypeK": "q8_0"}})", "--cache-type-k q8_0 "},
      {R"({"spec": {"cacheTypeV": "q8_0"}})", "--cache-type-v q8_0 "},
      {R"({"spec": {"cacheTypeK": "q8_0", "cacheTypeCustomK": "bf16"}})", "--cache-type-k bf16 "},
      {R"({"spec": {"cacheTypeCustomV": "q4_0"}})", "--cache-type-v q4_0 "},
      {R"({"spec": {"batchSize": 1024}})", "--batch-size 1024 "},
      {R"({"spec": {"uBatchSize": 256}})", "--ubatch-size 256 "},
      {R"({"spec": {"ropeScaling": {"type": "yarn", "factor": "4", "originalContext": 32768}}})",
       "--rope-scaling yarn --rope-scale 4 --yarn-orig-ctx 32768 "},
      {R"({"spec": {"reasoningBudget": 0}})", "--reasoning-budget 0 "},
      {R"({"spec": {"reasoningBudget": 64, "reasoningBudgetMessage": "stop"}})",
       "--reasoning-budget 64 --reasoning-budget-message stop "},
      {R"({"spec": {"metadataOverrides": ["general.a=int:1"]}})", "--override-kv general.a=int:1 "},
      {R"({"spec": {"tensorOverrides": ["x=CPU", "y=CPU"]}})",
       "--override-tensor x=CPU --override-tensor y=CPU "},
      {R"({"spec": {"mode": "embedding"}})", "--embedding --pooling last --cache-ram 0 "},
      {R"({"spec": {"mode": "rerank"}})", "--reranking --embedding --pooling rank --cache-ram 0 "},
      {R"({"spec": {"mode": "embedding", "extraArgs": ["--pooling", "cls"]}})",
       "--embedding --cache-ram 0 --pooling cls "},
      {R"({"spec": {"extraArgs": ["--temp", "0"]}})", "--temp 0 "},
      // What does not change what runs.
      {R"({"spec": {"priority": "high"}})", ""},
      {R"({"spec": {"evictionProtection": true}})", ""},
      {R"({"spec": {"endpoint": {"port": 8080, "type": "ClusterIP",
                                 "path": "/v1/chat/completions"}}})",
       ""},
      {R"({"spec": {"runtime": "llama-server"}})", ""},
      {R"({"spec": {"replicas": 1, "suspend": false}})", ""},
      {R"({"metadata": {"labels": {"a": "c"}, "annotations": {"x": "y"}}})", ""},
      {R"({"status": {"phase": "Ready"}})", ""},
      // What has no effect is said.
      {R"({"spec": {"replicas": 2}})", "", "spec.replicas: "},
      {R"({"spec": {"speculativeDecoding": {"type": "draft"}}})", "", "spec.speculativeDecoding: "},
      {R"({"spec": {"image": "x"}})", "", "spec.image: "},
      {R"({"spec": {"command": ["x"]}})", "", "spec.command: "},
      {R"({"spec": {"args": ["x"]}})", "", "spec.args: "},
      {R"({"spec": {"env": [{"name": "A"}]}})", "", "spec.env: "},
      {R"({"spec": {"containerPort": 80}})", "", "spec.containerPort: "},
      {R"({"spec": {"bindAddress": "::"}})", "", "spec.bindAddress: "},
      {R"({"spec": {"skipModelInit": true}})", "", "spec.skipModelInit: "},
      {R"({"spec": {"modelCache": {"a": 1}}})", "", "spec.modelCache: "},
      {R"({"spec": {"rolloutPolicy": {"a": 1}}})", "", "spec.rolloutPolicy: "},
      {R"({"spec": {"disruption": {"a": 1}}})", "", "spec.disruption: "},
      {R"({"spec": {"slo": {"a": 1}}})", "", "spec.slo: "},
      {R"({"spec": {"maxPodLifetimeSeconds": 9}})", "", "spec.maxPodLifetimeSeconds: "},
      {R"({"spec": {"autoscaling": {"a": 1}}})", "", "spec.autoscaling: "},
      {R"({"spec": {"affinity": {"a": 1}}})", "", "spec.affinity: "},
      {R"({"spec": {"tolerations": [{"a": 1}]}})", "", "spec.tolerations: "},
      {R"({"spec": {"resources": {"gpu": 1}}})", "", "spec.resources: "},
      {R"({"spec": {"turboQuantBits": 3}})", "", "spec.turboQuantBits: "},
      {R"({"spec": {"pagedSSDCacheDir": "/x"}})", "", "spec.pagedSSDCacheDir: "},
      {R"({"spec": {"hotCacheMaxSize": "1G"}})", "", "spec.hotCacheMaxSize: "},
      {R"({"spec": {"pagedSSDCacheMaxSize": "1G"}})", "", "spec.pagedSSDCacheMaxSize: "},
      {R"({"spec": {"vllmConfig": {"a": 1}}})", "", "spec.vllmConfig: "},
      {R"({"spec": {"endpoint": {"port": 80}}})", "", "spec.endpoint.port: "},
      {R"({"spec": {"endpoint": {"type": "NodePort"}}})", "", "spec.endpoint.type: "},
      {R"({"spec": {"endpoint": {"path": "/x"}}})", "", "spec.endpoint.path: "},
      {R"({"spec": {"endpoint": {"nodePort": 30000}}})", "", "spec.endpoint.nodePort: "},
      {R"({"spec": {"endpoint": {"gateway": {"a": 1}}}})", "", "spec.endpoint.gateway: "},
      {R"({"spec": {"env": [], "resources": {}, "image": null}})", ""},
  };
  for (const Row& row : rows) Check(row, kService, kModel, false);
}

TEST(Fields, OfTheModelOfAService) {
  const Row rows[] = {
      {R"({"spec": {"source": "https://h.example/other.gguf"}})", "other.gguf "},
      {R"({"spec": {"source": "hf://o/r@v1", "files": ["q4.gguf"]}})",
       "/store/hf://o/r/q4.gguf@v1 "},
      {R"({"spec": {"mmproj": "/p.gguf"}})", "--mmproj /p.gguf "},
      {R"({"spec": {"hardware": {"gpu": {"layers": 12}}}})", "--n-gpu-layers 12 "},
      {R"({"spec": {"hardware": {"gpu": {"layers": -1}}}})", "--n-gpu-layers -1 "},
      {R"({"spec": {"hardware": {"gpu": {"layers": 0, "enabled": true, "count": 1,
                                         "vendor": "nvidia"}}}})",
       ""},
      {R"({"spec": {"hardware": {"memoryBudget": "9Gi"}}})", ""},
      {R"({"spec": {"hardware": {"memoryFraction": 0.5}}})", ""},
      {R"({"spec": {"quantization": "Q4_K_M", "format": "gguf"}})", ""},
      {R"({"spec": {"refreshPolicy": "IfNotPresent", "prefetch": false}})", ""},
      {R"({"spec": {"sourceSecretRef": {"name": "hub"}}})", ""},
      {R"({"spec": {"refreshPolicy": "OnChange"}})", "", "spec.refreshPolicy: "},
      {R"({"spec": {"prefetch": true}})", "", "spec.prefetch: "},
      {R"({"spec": {"prefetchTolerations": [{"a": 1}]}})", "", "spec.prefetchTolerations: "},
      {R"({"spec": {"resources": {"cpu": "1"}}})", "", "spec.resources: "},
      {R"({"spec": {"hardware": {"gpu": {"count": 2}}}})", "", "spec.hardware.gpu.count: "},
      {R"({"spec": {"hardware": {"gpu": {"memory": "1Gi"}}}})", "", "spec.hardware.gpu.memory: "},
      {R"({"spec": {"hardware": {"gpu": {"sharding": {"strategy": "row"}}}}})", "",
       "spec.hardware.gpu.sharding: "},
  };
  for (const Row& row : rows) Check(row, kService, kModel, true);
}

TEST(Fields, OfAModelThatServesItself) {
  const Row rows[] = {
      {R"({"spec": {"serving": {"contextSize": 8192}}})", "--ctx-size 8192 "},
      {R"({"spec": {"serving": {"parallelSlots": 1}}})", "--parallel 1 "},
      {R"({"spec": {"serving": {"cacheTypeK": "q8_0"}}})", "--cache-type-k q8_0 "},
      {R"({"spec": {"serving": {"cacheTypeV": "q8_0"}}})", "--cache-type-v q8_0 "},
      {R"({"spec": {"serving": {"flashAttention": false}}})", "--flash-attn off "},
      {R"({"spec": {"serving": {"batchSize": 512}}})", "--batch-size 512 "},
      {R"({"spec": {"serving": {"uBatchSize": 128}}})", "--ubatch-size 128 "},
      {R"({"spec": {"serving": {"promptCacheMiB": 0}}})", "--cache-ram 0 "},
      {R"({"spec": {"serving": {"promptCacheMiB": -1}}})", "--cache-ram -1 "},
      {R"({"spec": {"serving": {"contextCheckpoints": 0}}})", "--ctx-checkpoints 0 "},
      {R"({"spec": {"serving": {"mmap": false}}})", "--load-mode none "},
      {R"({"spec": {"serving": {"mmap": true}}})", ""},
      {R"({"spec": {"serving": {"mmproj": "/p.gguf"}}})", "--mmproj /p.gguf "},
      {R"({"spec": {"serving": {"mode": "embedding"}}})", "--embedding "},
      {R"({"spec": {"serving": {"extraArgs": ["--temp", "0"]}}})", "--temp 0 "},
      {R"({"spec": {"serving": {"priority": "low", "evictionProtection": true}}})", ""},
      {R"({"spec": {"serving": {"enabled": true}}})", ""},
      {R"({"spec": {"serving": {"env": [{"name": "A"}]}}})", "", "spec.serving.env: "},
  };
  for (const Row& row : rows) Check(row, kServing, kServing, true);
}

// Not in the command line, and yet another server.
TEST(Fields, OtherReasonsForARestart) {
  const auto before = Launch(kServing, kServing, "{}", true);
  ASSERT_TRUE(before) << before.error().message();
  const std::string sum(64, 'a');
  for (const std::string& patch : {std::string(R"({"spec": {"serving": {"port": 9000}}})"),
                                   R"({"spec": {"sha256": ")" + sum + "\"}}"}) {
    const auto after = Launch(kServing, kServing, patch, true);
    ASSERT_TRUE(after) << after.error().message();
    EXPECT_NE(after->identity, before->identity) << patch;
  }
}

TEST(Fields, AFileThatIsNoPartOfTheFirstIsReported) {
  const auto parts = Launch(
      kService, kModel,
      R"({"spec": {"source": "hf://o/r", "files": ["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"]}})",
      true);
  ASSERT_TRUE(parts) << parts.error().message();
  EXPECT_EQ(parts->ignored, "");
  const auto other =
      Launch(kService, kModel,
             R"({"spec": {"source": "hf://o/r", "files": ["m.gguf", "draft.gguf"]}})", true);
  ASSERT_TRUE(other) << other.error().message();
  EXPECT_THAT(other->ignored, HasSubstr("spec.files: draft.gguf: "));
}

TEST(Fields, AFormatThatIsNotReadIsRefused) {
  const auto mlx = Launch(kService, kModel, R"({"spec": {"format": "mlx"}})", true);
  ASSERT_FALSE(mlx);
  EXPECT_THAT(mlx.error().message(), HasSubstr("spec.format: "));
}

TEST(Fields, WhyAServiceDoesNotRun) {
  WorkloadSet set;
  using Type = kube::ObjectEvent::Type;
  const auto reason = [&set](const char* patch) {
    Json service = *ParseJson(kService);
    MergePatch(service, *ParseJson(patch));
    set.Apply(kube::Kind::kInferenceService, {Type::kUpsert, service});
    return set.StopReason("InferenceService/n/s");
  };
  EXPECT_EQ(reason("{}"), "");
  EXPECT_EQ(reason(R"({"spec": {"suspend": true}})"), "Suspended");
  EXPECT_EQ(reason(R"({"spec": {"replicas": 0}})"), "ManuallyScaledToZero");
  EXPECT_EQ(set.StopReason("InferenceService/n/none"), "");
  EXPECT_EQ(set.StopReason("Model/n/m"), "");
}

}  // namespace
}  // namespace headroom::exporter

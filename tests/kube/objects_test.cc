#include "kube/objects.h"

#include <gtest/gtest.h>

#include "common/yaml.h"

namespace headroom::kube {
namespace {

// As a reader of DecodedFields() has it, so that each test shows that they are complete.
Json Yaml(std::string_view text) {
  const auto documents = ParseYaml(text, "test");
  EXPECT_TRUE(documents) << documents.error().message();
  if (!documents || documents->empty()) return {};
  return ParseJson(WriteJson(documents->front()), DecodedFields()).value();
}

TEST(DecodeMeta, ReadsWhatWeUse) {
  const Meta meta = DecodeMeta(Yaml(R"(
metadata: {name: llama, namespace: team-a, uid: u-1, resourceVersion: "42", generation: 3,
           generateName: llama-, deletionTimestamp: "2026-01-02T03:04:05Z",
           labels: {app: x}, annotations: {headroom.dev/node: mac-1, n: 5, b: true}})"));
  EXPECT_EQ(meta.Key(), "team-a/llama");
  EXPECT_EQ(meta.uid, "u-1");
  EXPECT_EQ(meta.resource_version, "42");
  EXPECT_EQ(meta.generation, 3);
  EXPECT_EQ(meta.generate_name, "llama-");
  EXPECT_TRUE(meta.deleting);
  EXPECT_EQ(meta.labels.at("app"), "x");
  EXPECT_EQ(meta.annotations.at("headroom.dev/node"), "mac-1");
  EXPECT_EQ(meta.annotations.at("n"), "5");
  EXPECT_EQ(meta.annotations.at("b"), "true");
  EXPECT_FALSE(DecodeMeta(Json()).deleting);
}

TEST(DecodeModel, ReadsLlmkubesAndOurFields) {
  const Model model = DecodeModel(Yaml(R"(
metadata: {name: llama, namespace: default}
spec:
  source: hf://org/repo
  sha256: aa
  hardware: {accelerator: metal, memoryBudget: 24Gi, memoryFraction: 0.8, gpu: {layers: 20}}
  nodeName: mac-1
  nodeSelector: {tier: big}
  serving:
    contextSize: 8192
    parallelSlots: 2
    cacheTypeK: q8_0
    cacheTypeCustomV: tbq4
    cacheTypeV: f16
    flashAttention: false
    batchSize: 1024
    uBatchSize: 256
    promptCacheMiB: -1
    contextCheckpoints: 4
    mmproj: proj.gguf
    port: 8081
    priority: high
    evictionProtection: true
    extraArgs: [--mlock]
)"));
  EXPECT_EQ(model.source, "hf://org/repo");
  EXPECT_EQ(model.accelerator, "metal");
  EXPECT_EQ(model.format, "gguf");
  EXPECT_EQ(model.budget.memory_budget, "24Gi");
  EXPECT_EQ(model.budget.memory_fraction, "0.8");
  EXPECT_EQ(model.node_name, "mac-1");
  EXPECT_EQ(model.node_selector.at("tier"), "big");
  ASSERT_TRUE(model.serving);
  const ServingSpec& serving = *model.serving;
  EXPECT_EQ(serving.context_size, 8192);
  EXPECT_EQ(serving.parallel_slots, 2);
  EXPECT_EQ(serving.cache_type_k, "q8_0");
  EXPECT_EQ(serving.cache_type_v, "tbq4");
  EXPECT_EQ(serving.flash_attention, false);
  EXPECT_EQ(serving.batch_size, 1024);
  EXPECT_EQ(serving.ubatch_size, 256);
  EXPECT_EQ(serving.prompt_cache_mib, -1);
  EXPECT_EQ(serving.context_checkpoints, 4);
  EXPECT_EQ(serving.gpu_layers, 20);
  EXPECT_EQ(serving.port, 8081);
  EXPECT_EQ(serving.priority, "high");
  EXPECT_TRUE(serving.eviction_protection);
  EXPECT_TRUE(serving.enabled);
  EXPECT_EQ(serving.extra_args, std::vector<std::string>{"--mlock"});
  EXPECT_EQ(serving.problem, "");
}

TEST(DecodeModel, WeightsOnlyHasNoServing) {
  EXPECT_FALSE(DecodeModel(Yaml("{metadata: {name: a}, spec: {source: /m.gguf}}")).serving);
  EXPECT_TRUE(DecodeModel(Yaml("{spec: {serving: {}}}")).serving);
}

TEST(DecodeModel, KeepsTheTextOfAWrongBudgetAndNotesAWrongSize) {
  const Model model = DecodeModel(Yaml(R"(
spec: {hardware: {memoryBudget: [1], memoryFraction: lots}, serving: {contextSize: many}})"));
  EXPECT_EQ(model.budget.memory_budget, "[1]");
  EXPECT_EQ(model.budget.memory_fraction, "lots");
  EXPECT_EQ(model.serving->problem, "spec.serving.contextSize: expected an integer, found string");
}

TEST(DecodeModel, AnnotationBindsWhereNodeNameIsPruned) {
  EXPECT_EQ(DecodeModel(Yaml("metadata: {annotations: {headroom.dev/node: mac-2}}")).node_name,
            "mac-2");
}

TEST(DecodeModel, AnythingAtAllDecodes) {
  for (const char* text :
       {"null", "[]", "1", "{spec: 1}", "{metadata: [], spec: {serving: 7}}",
        "{spec: {hardware: x, nodeSelector: [a]}, metadata: {labels: {a: {}}}}"}) {
    const auto json = ParseYaml(text, "test");
    if (!json || json->empty()) continue;
    DecodeModel(json->front());
    DecodeInferenceService(json->front());
    DecodeNode(json->front());
  }
}

TEST(DecodeInferenceService, MapsPassedThroughFieldsToArguments) {
  const InferenceService service = DecodeInferenceService(Yaml(R"(
metadata: {name: chat, namespace: team-a}
spec:
  modelRef: llama
  mode: embedding
  ropeScaling: {type: yarn, factor: "4", originalContext: 4096}
  moeCPUOffload: true
  moeCPULayers: 3
  noKvOffload: true
  noWarmup: false
  jinja: true
  reasoningBudget: 0
  tensorOverrides: [exps=CPU]
  metadataOverrides: ["a=int:1"]
  extraArgs: [--pooling, mean]
)"));
  EXPECT_EQ(service.model_ref, "llama");
  EXPECT_EQ(service.serving.runtime, "");
  const std::vector<std::string> want = {"--rope-scaling",
                                         "yarn",
                                         "--rope-scale",
                                         "4",
                                         "--yarn-orig-ctx",
                                         "4096",
                                         "--cpu-moe",
                                         "--no-kv-offload",
                                         "--jinja",
                                         "--n-cpu-moe",
                                         "3",
                                         "--reasoning-budget",
                                         "0",
                                         "--override-tensor",
                                         "exps=CPU",
                                         "--override-kv",
                                         "a=int:1",
                                         "--embedding",
                                         "--cache-ram",
                                         "0",
                                         "--pooling",
                                         "mean"};
  EXPECT_EQ(service.serving.extra_args, want);
}

TEST(DecodeInferenceService, SuspendAndScaleToZeroDisable) {
  EXPECT_TRUE(DecodeInferenceService(Yaml("spec: {replicas: 1}")).serving.enabled);
  EXPECT_FALSE(DecodeInferenceService(Yaml("spec: {replicas: 0}")).serving.enabled);
  EXPECT_FALSE(DecodeInferenceService(Yaml("spec: {suspend: true}")).serving.enabled);
}

}  // namespace
}  // namespace headroom::kube

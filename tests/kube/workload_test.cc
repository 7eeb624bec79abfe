#include "kube/workload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/yaml.h"
#include "kube/runtimes.h"

namespace headroom::kube {
namespace {

using ::testing::HasSubstr;

Json Yaml(const std::string& text) { return ParseYaml(text, "test").value().front(); }

Model ModelOf(const std::string& spec, const std::string& annotations = "{}") {
  return DecodeModel(Yaml("{metadata: {name: llama, namespace: team-a, annotations: " +
                          annotations + "}, spec: " + spec + "}"));
}
InferenceService ServiceOf(const std::string& spec) {
  return DecodeInferenceService(
      Yaml("{metadata: {name: chat, namespace: team-a}, spec: " + spec + "}"));
}

TEST(Workload, OfAModelNeedsEnabledServing) {
  EXPECT_FALSE(WorkloadOf(ModelOf("{source: /m.gguf}")));
  EXPECT_FALSE(WorkloadOf(ModelOf("{source: /m.gguf, serving: {enabled: false}}")));
  const auto workload =
      WorkloadOf(ModelOf("{source: /m.gguf, mmproj: p.gguf, nodeName: mac-1, serving: {}}",
                         "{headroom.dev/claimed-by: mac-1, headroom.dev/footprint-bytes: '1234'}"));
  ASSERT_TRUE(workload);
  EXPECT_EQ(workload->Describe(), "Model team-a/llama");
  EXPECT_EQ(workload->Key(), "Model/team-a/llama");
  EXPECT_EQ(workload->source, "/m.gguf");
  EXPECT_EQ(workload->spec.mmproj, "p.gguf");
  EXPECT_EQ(workload->node_name, "mac-1");
  EXPECT_EQ(workload->claimed_by, "mac-1");
  EXPECT_EQ(workload->claimed_footprint, 1234u);
}

TEST(Workload, OfAServiceJoinsItsModel) {
  const Model model = ModelOf(
      "{source: /m.gguf, hardware: {accelerator: metal, memoryBudget: 8Gi}, nodeName: mac-1}");
  const auto workload = WorkloadOf(ServiceOf("{modelRef: llama}"), model);
  ASSERT_TRUE(workload);
  EXPECT_EQ(workload->kind, Kind::kInferenceService);
  EXPECT_EQ(workload->Describe(), "InferenceService team-a/chat (Model team-a/llama)");
  EXPECT_EQ(workload->accelerator, "metal");
  EXPECT_EQ(workload->budget.memory_budget, "8Gi");
  EXPECT_EQ(workload->node_name, "mac-1");
  EXPECT_EQ(WorkloadOf(ServiceOf("{nodeName: mac-2}"), model)->node_name, "mac-2");
  EXPECT_TRUE(WorkloadOf(ServiceOf("{runtime: llama-server}"), model));
  EXPECT_FALSE(WorkloadOf(ServiceOf("{runtime: tgi}"), model));
  EXPECT_FALSE(WorkloadOf(ServiceOf("{suspend: true}"), model));
}

TEST(Workload, OfAnotherModelServer) {
  const Model metal = ModelOf("{source: o/r, hardware: {accelerator: metal}}");
  const Model cuda = ModelOf("{source: o/r, hardware: {accelerator: cuda}}");
  for (const char* runtime : {"vllm", "vllm-metal", "mistralrs", "mistralrs-server"}) {
    const auto service = ServiceOf("{runtime: " + std::string(runtime) + ", contextSize: 4096}");
    const auto workload = WorkloadOf(service, metal);
    ASSERT_TRUE(workload) << runtime;
    EXPECT_EQ(workload->spec.runtime, CanonicalRuntime(runtime));
    EXPECT_THAT(UnestimatedReason(*workload), HasSubstr("spec.hardware.memoryBudget"));
    EXPECT_EQ(ServingOptionsOf(*workload)->context, 4096u);
    EXPECT_FALSE(WorkloadOf(service, cuda)) << "a container of the cluster";
  }
  EXPECT_EQ(UnestimatedReason(*WorkloadOf(ServiceOf("{}"), metal)), "");
  const auto unknown = WorkloadOf(ModelOf("{source: /m, serving: {runtime: ollama}}"));
  ASSERT_TRUE(unknown);
  EXPECT_EQ(ServingOptionsOf(*unknown).error().message(),
            "spec.serving.runtime: expected llama-server, vllm-metal, vllm or mistralrs, got "
            "'ollama'");
  EXPECT_EQ(WorkloadOf(ModelOf("{source: /m, serving: {runtime: llamacpp}}"))->spec.runtime, "");
}

TEST(Workload, ThePrimaryFileLiesBelowTheSource) {
  const struct {
    const char* spec;
    const char* source;
  } cases[] = {
      {"{source: 'hf://o/r', files: [a.gguf, b.gguf]}", "hf://o/r/a.gguf"},
      {"{source: 'hf://o/r@v2', files: [sub/a.gguf]}", "hf://o/r/sub/a.gguf@v2"},
      {"{source: 'https://h/prefix/', files: [a.gguf]}", "https://h/prefix/a.gguf"},
      {"{source: /models, files: [a.gguf]}", "/models/a.gguf"},
      {"{source: /models/a.gguf, files: []}", "/models/a.gguf"},
      {"{source: /models/a.gguf, files: 7}", "/models/a.gguf"},
  };
  for (const auto& c : cases) EXPECT_EQ(ModelOf(c.spec).source, c.source);
  EXPECT_EQ(
      WorkloadOf(ModelOf("{source: /m, sourceSecretRef: {name: hub}, serving: {}}"))->source_secret,
      "hub");
}

TEST(ServingOptions, DefaultsAreLlamaServersForAModelAndLlmkubesForAService) {
  const Model model = ModelOf("{source: /m.gguf, serving: {}}");
  const auto own = ServingOptionsOf(*WorkloadOf(model));
  ASSERT_TRUE(own);
  EXPECT_EQ(*own, estimator::ServingOptions{});
  const auto service = ServingOptionsOf(*WorkloadOf(ServiceOf("{modelRef: llama}"), model));
  ASSERT_TRUE(service);
  EXPECT_EQ(service->context, 2048u);
  EXPECT_EQ(service->flash_attention, estimator::FlashAttention::kOn);
  const auto off = ServingOptionsOf(*WorkloadOf(ServiceOf("{flashAttention: false}"), model));
  EXPECT_EQ(off->flash_attention, estimator::FlashAttention::kAuto);
}

TEST(ServingOptions, TakesEveryField) {
  const auto options = ServingOptionsOf(*WorkloadOf(ModelOf(
      "{hardware: {accelerator: cpu}, serving: {contextSize: 8192, parallelSlots: 2, cacheTypeK: "
      "q8_0, cacheTypeV: q8_0, flashAttention: false, batchSize: 1024, uBatchSize: 256, "
      "promptCacheMiB: -1, contextCheckpoints: 3, mode: embedding, extraArgs: [--swa-full]}}")));
  ASSERT_TRUE(options) << options.error().message();
  EXPECT_EQ(options->context, 8192u);
  EXPECT_EQ(options->parallel, 2u);
  EXPECT_EQ(options->cache_type_k, "q8_0");
  EXPECT_EQ(options->cache_type_v, "q8_0");
  EXPECT_EQ(options->flash_attention, estimator::FlashAttention::kOff);
  EXPECT_EQ(options->batch, 1024u);
  EXPECT_EQ(options->ubatch, 256u);
  EXPECT_EQ(options->context_checkpoints, 3u);
  EXPECT_EQ(options->prompt_cache_mib, 0u);  // the mode's --cache-ram 0 comes after the field
  EXPECT_EQ(options->device, estimator::Device::kCpu);
  EXPECT_TRUE(options->embeddings);
  EXPECT_TRUE(options->swa_full);
}

TEST(ServingOptions, ErrorsNameTheField) {
  const struct {
    const char *serving, *want;
  } cases[] = {
      {"{contextSize: -5}", "spec.serving.contextSize: expected 0 to 2147483647, got -5"},
      {"{parallelSlots: 0}", "spec.serving.parallelSlots: expected 1 to 256, got 0"},
      {"{contextSize: many}", "spec.serving.contextSize: expected an integer"},
      {"{cacheTypeK: q9}", "spec.serving.cacheTypeK: "},
      {"{extraArgs: [--ctx-size, x]}", "spec.serving.extraArgs: --ctx-size: expected a number"},
  };
  for (const auto& c : cases) {
    const auto options =
        ServingOptionsOf(*WorkloadOf(ModelOf(std::string("{serving: ") + c.serving + "}")));
    ASSERT_FALSE(options) << c.serving;
    EXPECT_EQ(options.error().code(), Code::kInvalid);
    EXPECT_THAT(options.error().message(), HasSubstr(c.want));
  }
}

struct Fleet {
  std::vector<Node> nodes;
  std::vector<const Node*> Pointers() const {
    std::vector<const Node*> out;
    for (const Node& node : nodes) out.push_back(&node);
    return out;
  }
};

Node MakeNode(const std::string& name, bool publishes, const std::string& accelerator,
              const std::string& tier) {
  Node node;
  node.meta.name = name;
  node.meta.labels["tier"] = tier;
  node.publishes = publishes;
  node.capacity.name = name;
  node.capacity.accelerator = accelerator;
  return node;
}

std::string Names(const std::vector<const Node*>& nodes) {
  std::string out;
  for (const Node* node : nodes) out += (out.empty() ? "" : " ") + node->meta.name;
  return out;
}

TEST(Targets, FollowTheBindingRules) {
  const Fleet macs{
      {MakeNode("mac-1", true, "metal", "big"), MakeNode("mac-2", true, "metal", "small"),
       MakeNode("linux", true, "cpu", "big"), MakeNode("plain", false, "metal", "big")}};
  const Fleet desks{
      {MakeNode("linux", true, "cpu", "big"), MakeNode("plain", false, "cpu", "big")}};
  const struct {
    const Fleet& fleet;
    const char* spec;
    const char* want;
    bool ours;
  } cases[] = {
      {macs, "{hardware: {accelerator: metal}, serving: {}}", "mac-1 mac-2", true},
      {macs, "{hardware: {accelerator: cpu}, serving: {}}", "mac-1 mac-2", false},
      {macs, "{nodeName: linux, serving: {}}", "linux", true},
      {macs, "{nodeName: plain, serving: {}}", "plain", false},
      {macs, "{nodeName: gone, hardware: {accelerator: metal}, serving: {}}", "", true},
      {macs, "{nodeSelector: {tier: big}, serving: {}}", "mac-1 linux", true},
      {macs, "{nodeSelector: {tier: none}, serving: {}}", "", false},
      {macs, "{nodeSelector: {tier: big}, nodeName: mac-2, serving: {}}", "mac-2", true},
      {desks, "{hardware: {accelerator: metal}, serving: {}}", "", true},
      {desks, "{serving: {}}", "linux", false},
  };
  for (const auto& c : cases) {
    const auto workload = WorkloadOf(ModelOf(c.spec));
    ASSERT_TRUE(workload) << c.spec;
    EXPECT_EQ(Names(TargetNodes(*workload, c.fleet.Pointers())), c.want) << c.spec;
    EXPECT_EQ(IsOurs(*workload, c.fleet.Pointers()), c.ours) << c.spec;
  }
}

}  // namespace
}  // namespace headroom::kube

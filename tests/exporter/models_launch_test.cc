#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporter/models/launch.h"
#include "tests/exporter/recorded_runtime.h"

namespace headroom::exporter {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Case {
  Runtime runtime = RecordedRuntime();
  kube::Workload workload;
  LaunchInput input;

  Case() {
    workload.spec.path = "spec.serving";
    input.model_path = "/models/a.gguf";
    input.port = 19900;
    input.serving.context = 8192;
    input.serving.parallel = 2;
    input.serving.runtime_version = "0.7.0";
  }
  Result<LaunchPlan> Plan() {
    input.runtime = &runtime;
    input.workload = &workload;
    return PlanLaunch(input);
  }
  std::string Line() {
    const auto plan = Plan();
    if (!plan) return plan.error().message();
    std::string line;
    for (const auto& arg : plan->arguments) line += (line.empty() ? "" : " ") + arg;
    return line;
  }
};

Json Parse(const char* text) { return *ParseJson(text); }

TEST(Launch, SaysEverySizeExplicitly) {
  EXPECT_EQ(Case().Line(),
            "--model /models/a.gguf --host 127.0.0.1 --port 19900 --ctx-size 8192 --parallel 2 "
            "--no-kv-unified --batch-size 2048 --ubatch-size 512 --flash-attn auto "
            "--cache-type-k f16 --cache-type-v f16 --cache-ram 8192 --ctx-checkpoints 32 "
            "--fit off --n-gpu-layers 99 --metrics");
}

TEST(Launch, WritesOutTheServersOwnChoice) {
  Case c;
  c.input.serving = {};
  c.input.serving.device = estimator::Device::kCpu;
  c.input.serving.prompt_cache_mib = estimator::ServingOptions::kUnlimited;
  c.input.serving.swa_full = true;
  c.input.serving.load_mode = estimator::LoadMode::kNone;
  c.input.mmproj_path = "/models/p.gguf";
  EXPECT_EQ(c.Line(),
            "--model /models/a.gguf --host 127.0.0.1 --port 19900 --mmproj /models/p.gguf "
            "--ctx-size 0 --parallel 4 --kv-unified --batch-size 2048 --ubatch-size 512 "
            "--flash-attn auto --cache-type-k f16 --cache-type-v f16 --cache-ram -1 "
            "--ctx-checkpoints 32 --swa-full --load-mode none --fit off --n-gpu-layers 0 "
            "--metrics");
}

TEST(Launch, LeavesOutWhatAnOlderServerDoesNotKnow) {
  Case c;
  for (const char* flag : {"--fit", "--ctx-checkpoints", "--cache-ram", "--no-kv-unified"}) {
    c.runtime.flags.erase(flag);
  }
  c.runtime.flags.insert("--no-mmap");
  c.runtime.flags.erase("--load-mode");
  c.input.serving.load_mode = estimator::LoadMode::kNone;
  const std::string line = c.Line();
  EXPECT_THAT(line, Not(HasSubstr("--fit")));
  EXPECT_THAT(line, Not(HasSubstr("--cache-ram")));
  EXPECT_THAT(line, Not(HasSubstr("unified")));
  EXPECT_THAT(line, HasSubstr("--no-mmap"));
}

TEST(Launch, ReportsWhatItCannotHonour) {
  Case c;
  c.input.fields = Parse(R"({"speculativeDecoding": {"type": "draft"}, "env": [{"name": "A"}],
                             "image": null, "ropeScaling": {"type": "yarn"}})");
  c.workload.source = "/models/a.gguf";
  c.workload.sha256 = std::string(64, '0');
  c.workload.spec.path = "spec";
  c.workload.spec.replicas = 2;
  EXPECT_THAT(c.Plan()->not_honoured,
              ElementsAre(HasSubstr("spec.speculativeDecoding: "), HasSubstr("spec.env: "),
                          HasSubstr("spec.sha256: "), HasSubstr("spec.replicas: ")));
}

TEST(Launch, ExtraArgumentsComeLastAndCannotBreakSupervision) {
  Case c;
  c.workload.spec.extra_args = {"--temp", "-1", "--port",  "1",        "--host=0.0.0.0",
                                "-fit",   "on", "--alias", "--metrics"};
  EXPECT_THAT(c.Line(), testing::EndsWith("--n-gpu-layers 99 --temp -1 --alias --metrics"));
  EXPECT_THAT(c.Plan()->not_honoured, ElementsAre("spec.serving.extraArgs: --port: set by the node",
                                                  "spec.serving.extraArgs: --host: set by the node",
                                                  "spec.serving.extraArgs: -fit: set by the node"));
  c.workload.spec.extra_args = {"--no-such-thing"};
  EXPECT_EQ(c.Line(),
            "spec.serving.extraArgs: llama-server 0.7.0 has no argument "
            "--no-such-thing; see /bin/llama-server --help");
}

TEST(Launch, ExtraArgumentsLoadNothingElse) {
  for (const char* flag :
       {"-mu", "--model-url", "-hf", "--hf-repo", "-hff", "-md", "--model-draft", "-hfd", "-mm",
        "--mmproj", "-mmu", "--lora", "--lora-scaled", "--control-vector",
        "--control-vector-scaled", "--path", "--slot-save-path", "--rpc"}) {
    Case c;
    c.workload.spec.extra_args = {flag, "x", "--temp", "0"};
    EXPECT_THAT(c.Line(), testing::EndsWith("--n-gpu-layers 99 --metrics --temp 0")) << flag;
    EXPECT_EQ(c.Plan()->not_honoured.size(), 1u) << flag;
  }
}

TEST(Launch, AFetchedFileIsChecked) {
  Case c;
  c.workload.source = "https://host.example/a.gguf";
  c.workload.sha256 = std::string(64, '0');
  EXPECT_THAT(c.Plan()->not_honoured, testing::IsEmpty());
}

TEST(Launch, IdentityIgnoresThePortOnly) {
  Case c;
  const std::string before = c.Plan()->identity;
  EXPECT_EQ(before.size(), 16u);
  c.input.port = 1;
  EXPECT_EQ(c.Plan()->identity, before);
  c.input.host = "0.0.0.0";
  EXPECT_NE(c.Plan()->identity, before);
  c.input.host = "127.0.0.1";
  EXPECT_EQ(c.Plan()->identity, before);
  c.input.serving.context = 4096;
  EXPECT_NE(c.Plan()->identity, before);
}

}  // namespace
}  // namespace headroom::exporter

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporter/models/preflight.h"
#include "exporter/models/server_kind.h"

namespace headroom::exporter {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Case {
  kube::Workload workload;
  ServerInput input;

  explicit Case(const char* runtime, const char* source = "hf://o/r") {
    workload.source = source;
    workload.spec.runtime = runtime;
    workload.spec.path = "spec.serving";
    workload.spec.context_size = 4096;
    input.kind = FindServerKind(runtime);
    input.executable = "/bin/server";
    input.host = "127.0.0.1";
    input.port = 19900;
    input.memory_bytes = 48;
    input.memory_total = 64;
  }
  Result<LaunchPlan> Plan() {
    input.workload = &workload;
    return PlanServer(input);
  }
};

TEST(ServerKind, EveryNativeRuntimeHasADescription) {
  for (const char* name : {"", "vllm-metal", "vllm", "mistralrs"}) {
    ASSERT_NE(FindServerKind(name), nullptr) << name;
    EXPECT_EQ(FindServerKind(name)->health_path, "/health");
  }
  EXPECT_EQ(FindServerKind("tgi"), nullptr);
}

TEST(ServerKind, CommandLines) {
  const auto metal = Case("vllm-metal").Plan();
  ASSERT_TRUE(metal) << metal.error().message();
  EXPECT_EQ(metal->executable, "/bin/server");
  EXPECT_THAT(metal->arguments, ElementsAre("serve", "o/r", "--host", "127.0.0.1", "--port",
                                            "19900", "--max-model-len", "4096"));
  EXPECT_THAT(metal->environment,
              ElementsAre("VLLM_METAL_MEMORY_FRACTION=0.7500", "VLLM_METAL_USE_MLX=1"));
  Case engine("vllm", "file:///models/qwen");
  engine.workload.spec.context_size.reset();
  engine.workload.spec.extra_args = {"--seed", "1"};
  EXPECT_THAT(engine.Plan()->arguments,
              ElementsAre("serve", "/models/qwen", "--host", "127.0.0.1", "--port", "19900",
                          "--gpu-memory-utilization", "0.7500", "--seed", "1"))
      << "what is not known is left out";
  EXPECT_THAT(Case("mistralrs", "Qwen/Qwen3-4B").Plan()->arguments,
              ElementsAre("--serve-ip", "127.0.0.1", "--port", "19900", "--paged-attn",
                          "--pa-gpu-mem-usage", "0.7500", "plain", "-m", "Qwen/Qwen3-4B"));
}

TEST(ServerKind, TheShareIsNeverMoreThanWasGranted) {
  const struct {
    uint64_t bytes, total;
    const char* share;
  } cases[] = {{1, 3, "0.3333"},
               {2, 3, "0.6666"},
               {64, 64, "1.0000"},
               {65, 64, "1.0000"},
               {1, 1u << 30, "0.0000"}};
  for (const auto& c : cases) {
    Case one("vllm-metal");
    one.input.memory_bytes = c.bytes;
    one.input.memory_total = c.total;
    EXPECT_EQ(one.Plan()->environment[0], std::string("VLLM_METAL_MEMORY_FRACTION=") + c.share);
  }
}

TEST(ServerKind, RestartsWithWhatChangesTheLaunch) {
  const std::string before = Case("vllm-metal").Plan()->identity;
  const auto identity = [](const std::function<void(Case&)>& edit) {
    Case edited("vllm-metal");
    edit(edited);
    return edited.Plan()->identity;
  };
  EXPECT_EQ(identity([](Case& c) { c.input.port = 1; }), before);
  EXPECT_EQ(identity([](Case& c) { c.input.memory_bytes = 0; }), before)
      << "before it was sized it is the same launch";
  EXPECT_EQ(identity([](Case& c) { c.workload.spec.priority = "high"; }), before);
  EXPECT_NE(identity([](Case& c) { c.workload.source = "hf://o/other"; }), before);
  EXPECT_NE(identity([](Case& c) { c.workload.spec.context_size = 1; }), before);
  EXPECT_NE(identity([](Case& c) { c.workload.spec.extra_args = {"--x"}; }), before);
  EXPECT_NE(identity([](Case& c) { c.workload.budget.memory_budget = "1Gi"; }), before);
  EXPECT_NE(identity([](Case& c) { c.input.executable = "/opt/server"; }), before);
  EXPECT_NE(identity([](Case& c) { c.input.host = "0.0.0.0"; }), before);
}

TEST(ServerKind, TakesFoldersAndRepositories) {
  for (const char* good : {"/models/x", "file:///models/x", "hf://o/r", "o/r"}) {
    EXPECT_TRUE(Case("vllm", good).Plan()) << good;
  }
  for (const char* bad : {"https://h/x", "hf://o/r/f@main", "s3://b/x", "pvc://c/x", ""}) {
    EXPECT_FALSE(Case("vllm", bad).Plan()) << bad;
  }
  EXPECT_THAT(Case("vllm", "https://h/x").Plan().error().message(), HasSubstr("hf://OWNER/REPO"));
}

constexpr uint64_t kGiB = uint64_t{1} << 30;

PreflightInput Sized(const kube::Workload& workload, std::optional<uint64_t> declared) {
  PreflightInput input;
  input.workload = &workload;
  input.declared = declared;
  input.node = {.name = "mac", .memory_total = 64 * kGiB, .memory_budget = 48 * kGiB};
  input.node.available = 60 * kGiB;
  input.node.accelerator = "metal";
  return input;
}

TEST(ServerKind, PreflightJudgesWhatIsDeclared) {
  Case one("vllm");
  EXPECT_EQ(Preflight(Sized(one.workload, std::nullopt)).rule, estimator::Rule::kUnknownSize);
  const auto fits = Preflight(Sized(one.workload, 40 * kGiB));
  EXPECT_TRUE(fits.allowed);
  EXPECT_EQ(fits.FootprintBytes(), 40 * kGiB);
  EXPECT_EQ(Preflight(Sized(one.workload, 50 * kGiB)).rule, estimator::Rule::kOverBudget);
  one.workload.budget.memory_budget = "12Gi";
  EXPECT_EQ(Preflight(Sized(one.workload, 40 * kGiB)).FootprintBytes(), 12 * kGiB)
      << "what the owner says wins";
}

}  // namespace
}  // namespace headroom::exporter

// headroom deploy: the objects it writes, and what it says when they do not fit.
#include <gmock/gmock.h>

#include "cli/deploy/objects.h"
#include "common/yaml.h"
#include "kube/workload.h"
#include "tests/cli/support.h"

namespace headroom::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using webhook::testing::kGiB;

TEST(DeploymentObjects, AreThoseOfTheGoldenFile) {
  Deployment all{.name = "llama", .ns = "team-a", .source = "hf://o/r/m.gguf", .node = "mac-1"};
  all.memory_fraction = "0.5";
  all.cache_type_k = all.cache_type_v = "q8_0";
  all.context = 8192;
  all.parallel = 2;
  all.cache_ram = 0;
  std::string text;
  for (const Json& object : DeploymentObjects(all)) text += "---\n" + WriteYaml(object);
  CommandTest::ExpectGolden("deploy.yaml", text);
}

TEST(DeploymentObjects, MeanWhatWasAskedFor) {
  Deployment d{.name = "llama", .source = "/m/a.gguf", .node = "mac-1"};
  d.context = 4096;
  d.cache_ram = -1;
  const auto objects = DeploymentObjects(d);
  const auto workload =
      kube::WorkloadOf(kube::DecodeInferenceService(objects[1]), kube::DecodeModel(objects[0]));
  ASSERT_TRUE(workload);
  EXPECT_EQ(workload->node_name, "mac-1");
  EXPECT_EQ(workload->accelerator, "metal");
  const auto options = kube::ServingOptionsOf(*workload);
  ASSERT_TRUE(options) << options.error().message();
  EXPECT_EQ(options->context, 4096u);
  EXPECT_EQ(options->prompt_cache_mib, estimator::ServingOptions::kUnlimited);
}

TEST(RefusalText, SumsUpInTheFormOfTheGoldenFile) {
  estimator::Verdict verdict;
  verdict.rule = estimator::Rule::kOverBudget;
  estimator::CandidateView view;
  view.node = "mac-1";
  view.need = 52 * kGiB;
  view.headroom = 17 * kGiB;
  view.committed = 19 * kGiB;
  view.available = 12 * kGiB;
  view.budget.derivation = "48.0 GiB total x 0.75 (adaptive) = 36.0 GiB";
  view.footprint.resident_weights = 40 * kGiB;
  view.footprint.device.kv_cache = 10 * kGiB;
  view.footprint.device.compute = kGiB;
  view.footprint.runtime = kGiB;
  view.footprint.context = 32768;
  verdict.candidates = {view};
  estimator::Suggestion suggestion;
  suggestion.text = "context <= 4096 (spec.contextSize): 17.0 GiB";
  verdict.suggestions = {suggestion};
  CommandTest::ExpectGolden("deploy-refused.txt", RefusalText(verdict, "llama", "Q4_K_M"));
}

class DeployCommand : public CommandTest {};

TEST_F(DeployCommand, WritesAsksAndRefuses) {
  const std::string model = Model();
  const std::string nodes = Nodes({{.name = "mac-1", .budget = 4 * kGiB}});
  ASSERT_EQ(Call({"deploy", "llama", model, "--context", "4096", "--dry-run", "client"}), kDone);
  const auto objects = ParseYaml(out_.str(), "out");
  ASSERT_TRUE(objects);
  EXPECT_EQ(objects->size(), 2u);
  ASSERT_EQ(
      Call({"deploy", "llama", model, "--context", "4096", "--dry-run", "client", "-o", "json"}),
      kDone);
  EXPECT_EQ(StringOr(ParseJson(out_.str()).value(), {"kind"}), "List");
  const Arguments ask{"deploy",  "llama", model,       "--cache-ram", "0",
                      "--nodes", nodes,   "--dry-run", "server",      "--context"};
  Arguments small = ask, large = ask;
  small.push_back("4096");
  large.push_back("1000000");
  EXPECT_EQ(Call(small), kDone) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("llama fits"));
  EXPECT_EQ(Call(large), kFailed);
  EXPECT_THAT(err_.str(),
              AllOf(StartsWith("Error: insufficient memory for llama ("),
                    HasSubstr("Estimated requirement: "), HasSubstr("at context 1000192"),
                    HasSubstr("Available budget:      4.0 GiB on node mac-1 ("),
                    HasSubstr("Suggestion:            ")));
}

TEST_F(DeployCommand, BadInputIsOneClearLine) {
  const struct {
    Arguments more;
    int code;
    const char* expected;
  } cases[] = {
      {{}, kUsage, "NAME and SOURCE"},
      {{"llama"}, kUsage, "NAME and SOURCE"},
      {{"Llama", "/m.gguf"}, kUsage, "lower-case"},
      {{"llama", "file://relative"}, kUsage, "absolute path"},
      {{"llama", "/m.gguf", "--context", "64"}, kUsage, "--context"},
      {{"llama", "/m.gguf", "--parallel", "100"}, kUsage, "--parallel"},
      {{"llama", "/m.gguf", "--cache-type-k", "q9"}, kUsage, "--cache-type-k"},
      {{"llama", "/m.gguf", "--memory-fraction", "1.5"}, kUsage, "--memory-fraction"},
      {{"llama", "/m.gguf", "--memory-budget", "banana"}, kUsage, "--memory-budget"},
      {{"llama", "/m.gguf", "--dry-run", "maybe"}, kUsage, "client or server"},
      {{"llama", "/m.gguf", "--namespace", "A.b"}, kUsage, "--namespace"},
      {{"llama", "/m.gguf", "--nodes", "/absent"}, kFailed, "/absent"},
  };
  for (const auto& c : cases) {
    Arguments arguments{"deploy"};
    arguments.insert(arguments.end(), c.more.begin(), c.more.end());
    EXPECT_EQ(Call(arguments), c.code) << err_.str();
    EXPECT_THAT(err_.str(), HasSubstr(c.expected));
    const std::string line = err_.str();
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1) << line;
  }
}

}  // namespace
}  // namespace headroom::cli

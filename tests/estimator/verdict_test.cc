#include "estimator/verdict.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>

#include "estimator/explain.h"
#include "estimator/gguf/reader.h"
#include "tests/estimator/ground_truth.h"

namespace headroom::estimator {
namespace {

constexpr uint64_t kGiB = uint64_t{1} << 30;
const WallTime kNow = WallTime() + std::chrono::hours(24 * 365 * 50);

const ModelFile& Model(const std::string& name) {
  static GroundTruthModels models;
  return models.Get(name);
}

Candidate Mac(const std::string& name, uint64_t total_gib, std::vector<Occupant> occupants = {}) {
  Candidate candidate;
  candidate.node.name = name;
  candidate.node.memory_total = total_gib * kGiB;
  candidate.node.available = total_gib * kGiB / 2;
  candidate.node.pressure = "normal";
  candidate.node.runtime_version = "0.6.0";
  candidate.node.observed_at = kNow - std::chrono::seconds(20);
  candidate.occupants = std::move(occupants);
  return candidate;
}

Request Ask(const std::string& model, uint32_t context, std::vector<Candidate> candidates) {
  Request request;
  request.workload.name = "team-a/" + model;
  request.source = "hf org/" + model + " @ 3f2a1c";
  request.header_bytes_read = 4015776;
  request.model = &Model(model);
  request.serving.context = context;
  request.serving.parallel = 1;
  request.serving.prompt_cache_mib = 0;
  request.candidates = std::move(candidates);
  request.now = kNow;
  return request;
}

struct Case {
  std::string name;
  Rule rule;
  Request request;
};

std::vector<Case> Cases() {
  std::vector<Case> cases;
  const Occupant qwen{"team-a/qwen-32b", 19 * kGiB}, small{"team-b/small", 4 * kGiB};
  Request r = Ask("llama-3.3-70b", 32768, {Mac("mac-studio-1", 48, {qwen})});
  r.others = {Mac("mac-studio-2", 96), Mac("mac-mini", 16)};
  cases.push_back({"over-budget", Rule::kOverBudget, r});
  cases.push_back(
      {"over-budget-alone", Rule::kOverBudget, Ask("llama-3.1-8b", 131072, {Mac("mac-mini", 24)})});
  cases.push_back({"fits-no-node", Rule::kFitsNoNode,
                   Ask("deepseek-v3", 32768,
                       {Mac("mac-1", 64), Mac("mac-2", 96), Mac("mac-3", 48), Mac("mac-4", 36),
                        Mac("mac-5", 32)})});
  cases.push_back({"occupied", Rule::kOccupied,
                   Ask("qwen2.5-32b", 32768, {Mac("mac-studio-1", 64, {qwen, small})})});
  cases.push_back({"occupied-any-node", Rule::kOccupied,
                   Ask("qwen2.5-32b", 32768,
                       {Mac("mac-mini", 16), Mac("mac-studio-1", 64, {qwen, small}),
                        Mac("mac-studio-2", 64, {qwen, qwen})})});
  r = Ask("llama-3.1-8b", 131072, {Mac("mac-mini", 16)});
  r.workload.kind = "InferenceService";
  r.workload.name = r.workload.service = "team-a/chat";
  r.fields = {.context = "spec.contextSize",
              .cache_type_k = "spec.cacheTypeK",
              .cache_type_v = "spec.cacheTypeV",
              .node = "metadata.annotations[headroom.dev/node]",
              .source = "spec.modelRef",
              .prompt_cache = "spec.extraArgs --cache-ram"};
  r.serving.prompt_cache_mib = 8192;
  cases.push_back({"inference-service", Rule::kOverBudget, r});
  r = Ask("llama-3.1-8b", 8192, {Mac("mac-studio-1", 48)});
  r.candidates[0].node.available = 3 * kGiB;
  r.preflight = true;
  cases.push_back({"in-use", Rule::kInUse, r});
  r = Ask("llama-3.1-8b", 8192, {Mac("mac-studio-1", 48)});
  r.candidates[0].node.observed_at = kNow - std::chrono::minutes(4);
  cases.push_back({"stale", Rule::kNoCandidate, r});
  cases.push_back({"no-candidate", Rule::kNoCandidate, Ask("llama-3.1-8b", 8192, {})});
  r = Ask("llama-3.1-8b", 8192, {Mac("mac-studio-1", 48)});
  r.candidates[0].node.invalid =
      "headroom.dev/memory-budget: expected a number of bytes, got 'lots'";
  cases.push_back({"node-budget", Rule::kNodeBudget, r});
  r = Ask("llama-3.1-8b", 8192, {Mac("mac-studio-1", 48)});
  r.budget.memory_fraction = "1.5";
  cases.push_back({"model-budget", Rule::kModelBudget, r});
  r = Ask("llama-3.1-8b", 8192, {Mac("mac-studio-1", 48)});
  r.model = nullptr;
  r.unknown.reason = "header of spec.source unreachable in 3s";
  cases.push_back({"unknown-size", Rule::kUnknownSize, r});
  r.unknown.why = UnknownSize::Why::kPending;
  cases.push_back({"header-pending", Rule::kHeaderPending, r});
  r = Ask("deepseek-v2-lite", 8192, {Mac("mac-studio-1", 48)});
  r.serving.cache_type_k = "q8_0";
  cases.push_back({"refused", Rule::kRefused, r});
  r = Ask("llama-3.1-8b", 8192, {Mac("mac-studio-1", 48)});
  r.model = nullptr;
  r.budget.memory_budget = "40Gi";
  cases.push_back({"declared-size", Rule::kOverBudget, r});
  return cases;
}

// HEADROOM_UPDATE_GOLDEN=1 rewrites the files; review the difference before committing it.
TEST(DenialText, IsAsInTheGoldenFiles) {
  for (const Case& c : Cases()) {
    const Verdict verdict = Decide(c.request);
    EXPECT_FALSE(verdict.allowed) << c.name;
    EXPECT_EQ(RuleId(verdict.rule), RuleId(c.rule)) << c.name;
    const std::string text = DenialText(verdict);
    const std::string path = HEADROOM_TEST_DATA "/denials/" + c.name + ".txt";
    if (std::getenv("HEADROOM_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << text;
    std::stringstream golden;
    golden << std::ifstream(path).rdbuf();
    EXPECT_EQ(text, golden.str()) << c.name;
  }
}

TEST(DenialText, IsShortAsciiAndItsFirstLineStandsAlone) {
  for (Case c : Cases()) {
    c.request.source = "hf \xc3\xbc/" + std::string(3000, 'x');
    c.request.workload.name = "team-a/" + std::string(240, 'n');
    const std::string text = DenialText(Decide(c.request));
    EXPECT_LE(text.size(), 2048u) << c.name;
    for (char byte : text) EXPECT_TRUE(byte == '\n' || (byte >= 0x20 && byte < 0x7f)) << c.name;
    const std::string first = text.substr(0, text.find('\n'));
    EXPECT_EQ(first.rfind("[HR-", 0), 0u) << c.name;
    EXPECT_EQ(text, DenialText(Decide(c.request))) << c.name;
  }
}

// The request as it would be after taking the suggestion's advice.
Request Apply(Request request, const Suggestion& s, ModelFile& smaller) {
  switch (s.kind) {
    case Suggestion::Kind::kOtherNode:
      std::swap(request.candidates, request.others);
      std::erase_if(request.candidates, [&s](const Candidate& c) { return c.node.name != s.node; });
      break;
    case Suggestion::Kind::kServing: request.serving = s.serving; break;
    case Suggestion::Kind::kStop:
      for (Candidate& candidate : request.candidates) {
        std::erase_if(candidate.occupants, [&](const Occupant& occupant) {
          return std::count(s.stop.begin(), s.stop.end(), occupant.name) > 0;
        });
      }
      break;
    case Suggestion::Kind::kWeights:
      smaller = *request.model;
      smaller.file_bytes = s.weights_bytes + smaller.tensors.skipped;
      request.model = &smaller;
      break;
  }
  return request;
}

TEST(Suggestions, EachOneAppliedIsAllowed) {
  size_t tried = 0;
  for (const char* model : {"llama-3.1-8b", "llama-3.3-70b", "qwen3-30b-a3b", "gemma-3-27b",
                            "gpt-oss-20b", "qwen3.5-27b", "deepseek-v2-lite", "falcon-h1-7b"}) {
    for (uint64_t total : {8, 16, 24, 32, 48, 64, 96}) {
      for (uint32_t context : {8192u, 32768u, 131072u}) {
        // The last one puts every node over its budget already.
        for (const auto& [prompt_cache, crowd] :
             {std::pair<uint32_t, uint64_t>{0, 1}, {8192, 1}, {0, total / 8}}) {
          Request request = Ask(
              model, context,
              {Mac("a", total, {{"team-b/x", crowd * 5 * kGiB}, {"team-c/y", crowd * 2 * kGiB}})});
          request.serving.prompt_cache_mib = prompt_cache;
          request.others = {Mac("b", total * 2)};
          const Verdict verdict = Decide(request);
          if (verdict.allowed) continue;
          for (const Suggestion& suggestion : verdict.suggestions) {
            ModelFile smaller;
            const Verdict after = Decide(Apply(request, suggestion, smaller));
            EXPECT_TRUE(after.allowed) << model << " on " << total << " GiB, ctx " << context
                                       << ": " << suggestion.text << "\n"
                                       << DenialText(after);
            ++tried;
          }
        }
      }
    }
  }
  EXPECT_GT(tried, 200u);
}

TEST(Verdict, AllowsAndPicksTheNodeWithTheMostRoom) {
  const Verdict verdict =
      Decide(Ask("llama-3.1-8b", 8192, {Mac("a", 24), Mac("b", 64), Mac("c", 8)}));
  EXPECT_TRUE(verdict.allowed);
  EXPECT_EQ(verdict.Chosen()->node, "b");
  EXPECT_EQ(DenialText(verdict), "");
  EXPECT_TRUE(Causes(verdict).empty());
  EXPECT_EQ(verdict.FootprintBytes(), verdict.Chosen()->need);
}

TEST(Verdict, ANodeThatIsAwayMayStillBeLargeEnough) {
  struct Row {
    const char* what;
    Rule rule;
    std::function<void(NodeCapacity&)> change;
  };
  for (const Row& row : {
           Row{"too small as well", Rule::kFitsNoNode,
               [](auto& node) { node.memory_total = 12 * kGiB; }},
           Row{"stale", Rule::kOverBudget,
               [](auto& node) { node.observed_at = kNow - std::chrono::hours(1); }},
           Row{"cordoned", Rule::kOverBudget, [](auto& node) { node.schedulable = false; }},
           Row{"nobody knows its size", Rule::kFitsNoNode, [](auto& node) { node.invalid = "x"; }},
       }) {
    Request request = Ask("llama-3.1-8b", 131072, {Mac("small", 8), Mac("other", 96)});
    row.change(request.candidates[1].node);
    EXPECT_EQ(Decide(request).rule, row.rule) << row.what;
  }
}

TEST(Verdict, AnUnlimitedPromptCacheIsRefused) {
  Request request = Ask("llama-3.1-8b", 8192, {Mac("a", 96)});
  request.serving.prompt_cache_mib = ServingOptions::kUnlimited;
  const Verdict verdict = Decide(request);
  EXPECT_EQ(verdict.rule, Rule::kRefused);
  EXPECT_NE(verdict.detail.find("--cache-ram -1"), std::string::npos);
}

TEST(Verdict, CommittedBytesWithoutANameCountToo) {
  Request request = Ask("llama-3.1-8b", 8192, {Mac("a", 16)});
  request.candidates[0].node.committed = 20 * kGiB;  // said otherwise: not counted again
  request.candidates[0].other_bytes = 8 * kGiB;
  const Verdict verdict = Decide(request);
  EXPECT_EQ(verdict.rule, Rule::kOccupied);
  EXPECT_EQ(verdict.Chosen()->occupants[0].name, "other models");
}

TEST(Verdict, UnknownSizeCanBeAWarning) {
  Request request = Ask("llama-3.1-8b", 8192, {Mac("a", 16)});
  request.model = nullptr;
  request.unknown.reason = "header of spec.source unreachable in 3s";
  request.allow_unknown = true;
  const Verdict verdict = Decide(request);
  EXPECT_TRUE(verdict.allowed);
  EXPECT_EQ(Warnings(verdict),
            std::vector<std::string>{
                "HR-301 memory not checked: header of spec.source unreachable in 3s"});
}

TEST(Verdict, DeclaredSizeStandsInForAnUnknownOne) {
  Request request = Ask("llama-3.1-8b", 8192, {Mac("a", 48)});
  request.model = nullptr;
  request.budget.memory_budget = "30Gi";
  EXPECT_TRUE(Decide(request).allowed);
}

TEST(Warnings, AreFewShortAsciiLines) {
  Request request = Ask("llama-3.1-8b", 0, {Mac("a", 96)});
  request.serving.context = 0;
  request.serving.cache_type_v = "q8_0";
  request.candidates[0].node.pressure = "critical";
  request.candidates[0].node.available = kGiB;
  request.candidates[0].node.runtime_version = "9.9.9 " + std::string(200, 'x');
  const Verdict verdict = Decide(request);
  ASSERT_TRUE(verdict.allowed) << DenialText(verdict);
  const auto warnings = Warnings(verdict);
  EXPECT_EQ(warnings.size(), 4u);
  for (const std::string& line : warnings) {
    EXPECT_LE(line.size(), 120u);
    for (char byte : line) EXPECT_TRUE(byte >= 0x20 && byte < 0x7f);
  }
}

TEST(Causes, CarryExactBytes) {
  const Verdict verdict = Decide(Ask("llama-3.3-70b", 32768, {Mac("a", 48)}));
  const auto causes = Causes(verdict);
  ASSERT_FALSE(causes.empty());
  EXPECT_EQ(causes[0].reason, "HR-101");
  EXPECT_EQ(causes[0].message, "footprintBytes=" + std::to_string(verdict.Chosen()->need));
}

}  // namespace
}  // namespace headroom::estimator

// headroom check: the decision of the webhook for the same objects, in the order of the files, and
// the forms that CI systems read.
#include <gmock/gmock.h>

#include "cli/check/manifests.h"
#include "cli/check/report.h"
#include "common/yaml.h"
#include "tests/cli/support.h"
#include "webhook/rules.h"
#include "webhook/scope.h"

namespace headroom::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using webhook::testing::kGiB;
using webhook::testing::kNow;
using webhook::testing::ModelObject;
using webhook::testing::NodeObject;
using webhook::testing::ServiceObject;

constexpr int64_t kOneGiB = 65536;  // tokens of the model whose KV cache takes 16 KiB each

Judge MakeJudge(bool allow_unknown = false) {
  const HeaderReader read = [](const std::string& source,
                               const auto&) -> Result<sources::ModelHeader> {
    if (source == "/models/absent.gguf") return Error(Code::kNotFound, "no such file");
    return webhook::testing::HeaderOf(headroom::testing::KvHeavyModel());
  };
  return Judge(read, {allow_unknown, kNow});
}

std::vector<Checked> Check(const std::vector<Json>& objects, const std::vector<Json>& existing) {
  std::vector<Manifest> manifests;
  for (const Json& object : objects) manifests.push_back({object, "m.yaml", 1});
  Judge judge = MakeJudge();
  return CheckManifests(manifests, existing, judge);
}

TEST(Check, WhatIsAllowedTakesItsRoomFromWhatFollows) {
  const auto checked =
      Check({ModelObject("first", 2 * kOneGiB), ModelObject("second", 2 * kOneGiB)},
            {NodeObject({.name = "mac-1", .budget = 4 * kGiB})});
  ASSERT_EQ(checked.size(), 2u);
  EXPECT_EQ(checked[0].result, Checked::Result::kAllowed) << checked[0].message;
  EXPECT_EQ(checked[1].rule, "HR-103");
  EXPECT_THAT(checked[1].message, HasSubstr("after stopping team-a/first"));
  EXPECT_TRUE(AnyDenied(checked));
}

TEST(Check, ADeniedObjectTakesNothing) {
  const auto checked = Check({ModelObject("big", 16 * kOneGiB), ModelObject("small", 2 * kOneGiB)},
                             {NodeObject({.name = "mac-1", .budget = 4 * kGiB})});
  EXPECT_EQ(checked[0].result, Checked::Result::kDenied);
  EXPECT_EQ(checked[1].result, Checked::Result::kAllowed) << checked[1].message;
}

// As the webhook does: beside its model, in the same revision.
TEST(Check, ReadsAProjectorBesideItsModel) {
  std::vector<std::string> asked;
  const HeaderReader read = [&asked](const std::string& source,
                                     const auto&) -> Result<sources::ModelHeader> {
    asked.push_back(source);
    return webhook::testing::HeaderOf(headroom::testing::KvHeavyModel());
  };
  Json model = ModelObject("seeing", kOneGiB);
  model.Make({"spec"}).Set("source", "hf://owner/repo/model.gguf@v1");
  model.Make({"spec"}).Set("mmproj", "mmproj.gguf");
  Judge judge(read, {false, kNow});
  const auto checked = CheckManifests({{model, "m.yaml", 1}},
                                      {NodeObject({.name = "mac-1", .budget = 4 * kGiB})}, judge);
  EXPECT_EQ(checked[0].result, Checked::Result::kAllowed) << checked[0].message;
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[1], "hf://owner/repo/mmproj.gguf@v1");
}

TEST(Check, JudgesAServiceWithItsModelAndAnEditOnlyIfItGrows) {
  const Json model = ModelObject("llama", 0), service = ServiceObject("chat", "llama", 2 * kOneGiB);
  const Json node = NodeObject({.name = "mac-1", .budget = 4 * kGiB});
  const auto both = Check({model, service}, {node});
  EXPECT_EQ(both[0].result, Checked::Result::kPassed);
  EXPECT_EQ(both[1].result, Checked::Result::kAllowed) << both[1].message;
  const auto alone = Check({service}, {node});
  EXPECT_THAT(alone[0].summary, HasSubstr("Model llama is not known"));
  const Json full = NodeObject({.name = "mac-1", .budget = kGiB});
  const auto less = Check({ServiceObject("chat", "llama", kOneGiB)}, {full, model, service});
  EXPECT_EQ(less[0].summary, "no growth");
  const auto more = Check({ServiceObject("chat", "llama", 3 * kOneGiB)}, {full, model, service});
  EXPECT_EQ(more[0].result, Checked::Result::kDenied);
}

TEST(Check, AnEditDoesNotCountItselfTwice) {
  // The manifest of the repository knows nothing of the claim that the node wrote.
  Json claimed = ModelObject("llama", 2 * kOneGiB);
  claimed.Make({"metadata", "annotations", "headroom.dev/claimed-by"}) = "mac-1";
  claimed.Make({"metadata", "annotations", "headroom.dev/footprint-bytes"}) =
      std::to_string(3 * kGiB);
  const Json node = NodeObject({.name = "mac-1",
                                .budget = 5 * kGiB,
                                .committed = 3 * kGiB,
                                .commitments = "Model/team-a/llama=" + std::to_string(3 * kGiB)});
  const Json other = NodeObject({.name = "mac-2", .budget = 64 * kGiB});
  const auto grows = Check({ModelObject("llama", 5 * kOneGiB / 2)}, {node, other, claimed});
  EXPECT_EQ(grows[0].result, Checked::Result::kAllowed) << grows[0].message;
  EXPECT_THAT(grows[0].summary, HasSubstr("node mac-1 can give it 5.0 GiB"));
  // It runs on mac-1 and stays there: the other node's room does not help.
  const auto large = Check({ModelObject("llama", 16 * kOneGiB)}, {node, other, claimed});
  EXPECT_EQ(large[0].result, Checked::Result::kDenied);
}

TEST(Check, OthersPassAndBrokenBudgetsDoNot) {
  Json cuda = ModelObject("cuda", kOneGiB), broken = ModelObject("broken", 0);
  cuda.Make({"spec", "hardware", "accelerator"}) = "cuda";
  broken.Make({"spec", "hardware", "memoryBudget"}) = "banana";
  const auto checked = Check({cuda, broken}, {NodeObject({.name = "mac-1"})});
  EXPECT_EQ(checked[0].result, Checked::Result::kPassed);
  EXPECT_EQ(checked[1].rule, "HR-202");
  EXPECT_THAT(checked[1].message, HasSubstr("banana"));
}

// One decision, one text: the same objects through the webhook's Judge().
TEST(Check, SaysWhatTheWebhookSays) {
  Json bound = ModelObject("bound", 2 * kOneGiB), elsewhere = ModelObject("far", kOneGiB);
  bound.Make({"spec", "nodeName"}) = "mac-2";
  elsewhere.Make({"spec", "nodeName"}) = "mac-9";
  Json fraction = ModelObject("fraction", kOneGiB);
  fraction.Make({"spec", "hardware", "memoryFraction"}) = 0.01;
  Json refused = ModelObject("refused", kOneGiB);
  refused.Make({"spec", "serving", "cacheTypeK"}) = "q9_9";
  const std::vector<Json> objects = {ModelObject("fits", kOneGiB),
                                     ModelObject("large", 16 * kOneGiB),
                                     ModelObject("gone", kOneGiB, "/models/absent.gguf"),
                                     bound,
                                     elsewhere,
                                     fraction,
                                     refused};
  const std::vector<Json> nodes = {
      NodeObject({.name = "mac-1", .budget = 4 * kGiB, .committed = kGiB}),
      NodeObject({.name = "mac-2", .budget = 2 * kGiB}),
      NodeObject(
          {.name = "old", .budget = 64 * kGiB, .observed_at = kNow - std::chrono::hours(1)})};
  const sources::ModelHeader header = webhook::testing::HeaderOf(headroom::testing::KvHeavyModel());
  const webhook::HeaderLookup lookup = [&](const webhook::HeaderNeed& need) {
    using State = webhook::HeaderState;
    if (need.source.path == "/models/absent.gguf") {
      return State{State::Kind::kFailed, nullptr, "no such file"};
    }
    return State{State::Kind::kReady, &header, ""};
  };
  for (const Json& object : objects) {
    webhook::View view;
    for (const Json& node : nodes) {
      view.Apply(kube::Kind::kNode, webhook::testing::Upsert(node));
    }
    const auto review = webhook::ParseReview(WriteJson(webhook::testing::ReviewObject(object)));
    ASSERT_TRUE(review);
    const auto theirs = webhook::Judge(*review, view, lookup, {}, kNow);
    const auto ours = Check({object}, nodes);
    const std::string name = StringOr(object, {"metadata", "name"});
    EXPECT_EQ(ours[0].result != Checked::Result::kDenied, theirs.answer.allowed) << name;
    EXPECT_EQ(ours[0].rule, theirs.rule) << name;
    EXPECT_EQ(ours[0].warnings, theirs.answer.warnings) << name;
    // Where a header was not to be had is known only to who asked for it.
    if (name == "gone") continue;
    EXPECT_EQ(ours[0].message, theirs.answer.message) << name;
  }
}

std::vector<Checked> Samples() {
  Checked passed, allowed, denied;
  passed.subject = "InferenceService team-a/chat";
  passed.file = allowed.file = "models/a.yaml";
  passed.summary = "no growth";
  allowed.result = Checked::Result::kAllowed;
  allowed.subject = "Model team-a/small";
  allowed.line = 7;
  allowed.summary = "Model team-a/small needs 1.6 GiB, node mac-1 can give it 8.0 GiB.";
  allowed.warnings = {"context 4096 a slot exceeds the training context 2048"};
  denied.result = Checked::Result::kDenied;
  denied.subject = "Model team-a/<&\">";
  denied.file = "models/b.yaml";
  denied.rule = "HR-101";
  denied.summary = "[HR-101] Model needs 88.3 GiB but node mac-1 can give it 4.7 GiB.";
  denied.message = denied.summary + "\n\n  context <= 212224 & less\n";
  denied.verdict = Json::Object{{"allowed", false}};
  return {passed, allowed, denied};
}

TEST(CheckReport, FormsAreThoseOfTheGoldenFiles) {
  const auto samples = Samples();
  CommandTest::ExpectGolden("check.txt", TextReport(samples, false));
  CommandTest::ExpectGolden("check.json", WriteJsonPretty(JsonReport(samples)));
  CommandTest::ExpectGolden("check.sarif", WriteJsonPretty(SarifReport(samples)));
  CommandTest::ExpectGolden("check.junit.xml", JunitReport(samples));
  EXPECT_THAT(TextReport(samples, true), HasSubstr("\x1b[31mdenied\x1b[0m"));
}

TEST(DocumentLines, AreThoseOfTheFirstContent) {
  EXPECT_THAT(DocumentLines("# c\n\na: 1\nb: 2\n---\n# only a comment\n---\n\nc: 3\n"),
              ElementsAre(3, 9));
  EXPECT_THAT(DocumentLines("---\na: 1\n--- \nb: |\n  ---x\n...\n---\nc: 1"), ElementsAre(2, 4, 8));
  EXPECT_THAT(DocumentLines(""), ElementsAre());
}

class CheckCommand : public CommandTest {
 protected:
  std::string Manifest(const std::string& name, int64_t context) {
    Json object = ModelObject(name, context, Model());
    return WriteYaml(object);
  }
};

TEST_F(CheckCommand, TellsAllOfAFolder) {
  Write("repo/a.yaml", "# fits\n" + Manifest("fits", kOneGiB));
  Write("repo/deep/b.yml", Manifest("one", kOneGiB) + "---\n" + Manifest("large", 64 * kOneGiB));
  Write("repo/pod.yaml", "kind: Pod\nmetadata: {name: x}\n");
  Write("repo/values.yaml", "replicas: 2\n");
  Write("repo/templates/t.yaml", "{{ if .Values.x }}\na: {{ b }}\n{{ end }}\n");
  Write("repo/.git/c.yaml", Manifest("hidden", kOneGiB));
  EXPECT_EQ(Call({"check", "-f", folder_ + "/repo", "--budget", "8Gi"}), kFailed) << err_.str();
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("/repo/a.yaml:2: Model team-a/fits: allowed\n"),
                                HasSubstr("/repo/deep/b.yml:1: Model team-a/one: allowed\n"),
                                HasSubstr(": Model team-a/large: denied\n[HR-101] "),
                                HasSubstr("but node budget can give it"), Not(HasSubstr("hidden")),
                                Not(HasSubstr("pod"))));
  for (const char* form : {"sarif", "json"}) {
    EXPECT_EQ(Call({"check", "-f", folder_ + "/repo", "--budget", "8Gi", "-o", form}), kFailed);
    EXPECT_TRUE(ParseJson(out_.str())) << form;
  }
  EXPECT_EQ(Call({"check", "-f", folder_ + "/repo", "--budget", "8Gi", "-o", "junit"}), kFailed);
  EXPECT_THAT(out_.str(), HasSubstr("<testsuites tests=\"3\" failures=\"1\">"));
}

TEST_F(CheckCommand, ReadsNodesFromAFile) {
  const std::string nodes = Nodes({{.name = "mac-1", .budget = 4 * kGiB}});
  const std::string file = Write("m.yaml", Manifest("fits", kOneGiB));
  EXPECT_EQ(Call({"check", "-f", file, "--nodes", nodes}), kDone) << err_.str();
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("allowed"), HasSubstr("node mac-1 can give it")));
}

TEST_F(CheckCommand, BadInputIsOneClearLine) {
  const std::string good = Write("good.yaml", Manifest("fits", kOneGiB));
  const std::string nameless = Write("nameless.yaml", "\nkind: Model\nmetadata: {}\n");
  const std::string broken = Write("broken.yaml", "a: [1\n");
  const struct {
    Arguments arguments;
    int code;
    const char* expected;
  } cases[] = {
      {{"check"}, kUsage, "expected -f FILE"},
      {{"check", "-f", good, "extra"}, kUsage, "expected -f FILE"},
      {{"check", "-f", good, "--budget", "banana"}, kUsage, "--budget"},
      {{"check", "-f", good, "-o", "xml"}, kUsage, "sarif or junit"},
      {{"check", "-f", good, "--unknown-size", "maybe"}, kUsage, "deny or warn"},
      {{"check", "-f", "/absent.yaml", "--budget", "1Gi"}, kFailed, "/absent.yaml"},
      {{"check", "-f", nameless, "--budget", "1Gi"}, kFailed, "nameless.yaml:2: Model: metadata"},
      {{"check", "-f", broken, "--budget", "1Gi"}, kFailed, "broken.yaml"},
      {{"check", "-f", good, "--nodes", "/absent.json"}, kFailed, "--nodes"},
      {{"check", "-f", good, "--nodes", "http://127.0.0.1:1"}, kFailed, "127.0.0.1:1"},
      {{"check", "-f", good, "--kubeconfig", "/absent"}, kFailed, "/absent"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Call(c.arguments), c.code) << err_.str();
    EXPECT_THAT(err_.str(), HasSubstr(c.expected));
    const std::string line = err_.str();
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1) << line;
  }
  const std::string pod = Write("pod.yaml", "kind: Pod\nmetadata: {name: x}\n");
  EXPECT_EQ(Call({"check", "-f", pod, "--budget", "1Gi"}), kDone);
  EXPECT_THAT(err_.str(), HasSubstr("no Model or InferenceService"));
}

}  // namespace
}  // namespace headroom::cli

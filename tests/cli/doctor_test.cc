// What the doctor makes of facts, and the facts it gathers of a machine with a stand-in for
// llama-server; the cluster's are gathered in tests/e2e.
#include <gmock/gmock.h>

#include "certs/certs.h"
#include "cli/doctor/findings.h"
#include "kube/base64.h"
#include "tests/cli/support.h"

namespace headroom::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Level = Finding::Level;
using webhook::testing::kNow;
using webhook::testing::NodeObject;

const Finding* Find(const std::vector<Finding>& findings, const std::string& check) {
  for (const Finding& one : findings) {
    if (one.check == check) return &one;
  }
  return nullptr;
}

MachineFacts HealthyMac() {
  MachineFacts facts;
  facts.darwin = true;
  facts.os_release = "24.4.0";
  facts.llama_version_text = "version: 0.7.0 (build 11669)\nbuilt with clang";
  facts.llama_help =
      "--ctx-size --parallel --cache-type-k --cache-type-v --ubatch-size --cache-ram --fit "
      "--ctx-checkpoints";
  facts.exporter = "http://127.0.0.1:19834";
  facts.memstats = ParseJson(R"({"pressure": "normal",
      "gpu": {"device": "Apple M4", "workingSetLimit": 19069669376}})")
                       .value();
  facts.wired_collector = "0";
  facts.state_dir = "/Users/a/.local/state/headroom";
  facts.state_exists = facts.state_writable = true;
  facts.free_bytes = 100ull << 30;
  return facts;
}

TEST(JudgeMachine, FindsNothingWrongWithAHealthyMac) {
  const auto findings = JudgeMachine(HealthyMac());
  EXPECT_FALSE(AnyFailure(findings));
  CommandTest::ExpectGolden("doctor-mac.txt", FindingsText(findings, false));
}

TEST(JudgeMachine, EachFaultHasItsRemedy) {
  const struct {
    std::function<void(MachineFacts&)> break_it;
    std::string check;
    Level level;
  } cases[] = {
      {[](MachineFacts& f) { f.llama_version_text.reset(), f.llama_problem = "not found in PATH"; },
       "llama-server", Level::kFailure},
      {[](MachineFacts& f) { f.llama_help = "--ctx-size"; }, "llama-server flags", Level::kWarning},
      {[](MachineFacts& f) { f.memstats.Remove("gpu"); }, "metal", Level::kFailure},
      {[](MachineFacts& f) { f.memstats.Make({"gpu"}).Remove("workingSetLimit"); }, "metal",
       Level::kWarning},
      {[](MachineFacts& f) { f.memstats = Json(), f.port_free = true; }, "metal", Level::kWarning},
      {[](MachineFacts& f) { f.memstats = Json(), f.exporter_problem = "no JSON"; }, "exporter",
       Level::kFailure},
      {[](MachineFacts& f) { f.memstats.Set("pressure", "critical"); }, "memory pressure",
       Level::kWarning},
      {[](MachineFacts& f) { f.wired_collector = "1"; }, "wired collector", Level::kWarning},
      {[](MachineFacts& f) { f.state_writable = false; }, "state folder", Level::kFailure},
      {[](MachineFacts& f) { f.free_bytes = 1 << 30; }, "store space", Level::kWarning},
  };
  for (const auto& c : cases) {
    MachineFacts facts = HealthyMac();
    c.break_it(facts);
    const auto findings = JudgeMachine(facts);
    const Finding* found = Find(findings, c.check);
    ASSERT_NE(found, nullptr) << c.check;
    EXPECT_EQ(found->level, c.level) << c.check << ": " << found->text;
    EXPECT_NE(found->remedy, "") << c.check;
    EXPECT_EQ(AnyFailure(findings), c.level == Level::kFailure) << c.check;
  }
}

TEST(JudgeMachine, AProbeStandsInForTheExporter) {
  MachineFacts facts = HealthyMac();
  facts.memstats = Json();
  facts.port_free = true;
  facts.metal =
      ParseJson(R"({"metal": {"name": "Apple M2", "recommendedMaxWorkingSetSize": 1073741824}})")
          .value();
  EXPECT_THAT(Find(JudgeMachine(facts), "metal")->text, HasSubstr("Apple M2"));
  facts.darwin = false;
  EXPECT_EQ(Find(JudgeMachine(facts), "metal")->level, Level::kNote);
  EXPECT_EQ(Find(JudgeMachine(facts), "local network"), nullptr);
}

ClusterFacts HealthyCluster() {
  ClusterFacts facts;
  facts.version = "v1.36.2";
  facts.resources = {"models", "models/status", "inferenceservices"};
  const auto ca = certs::MakeCa("headroom-ca", kNow, std::chrono::hours(24 * 365));
  facts.webhook = Json::MakeObject();
  facts.webhook.Set("name", "fit.headroom.dev");
  facts.webhook.Set("failurePolicy", "Fail");
  facts.webhook.Make({"clientConfig", "caBundle"}) = kube::EncodeBase64(ca->certificate_pem);
  facts.probe = "admission webhook \"fit.headroom.dev\" denied the request: [HR-202] Model";
  facts.rights = {{"list models", true}};
  facts.nodes = {kube::DecodeNode(NodeObject({.name = "mac-1"}))};
  return facts;
}

TEST(JudgeCluster, FindsNothingWrongWithAHealthyOne) {
  const auto findings = JudgeCluster(HealthyCluster(), kNow);
  EXPECT_FALSE(AnyFailure(findings));
  CommandTest::ExpectGolden("doctor-cluster.txt", FindingsText(findings, false));
  EXPECT_EQ(FindingsJson(findings).AsArray()->size(), findings.size());
}

TEST(JudgeCluster, EachFaultHasItsRemedy) {
  const struct {
    std::function<void(ClusterFacts&)> break_it;
    std::string check;
    Level level;
  } cases[] = {
      {[](ClusterFacts& f) { f.version = "", f.problem = "refused"; }, "API server",
       Level::kFailure},
      {[](ClusterFacts& f) { f.webhook = Json(); }, "webhook", Level::kFailure},
      {[](ClusterFacts& f) { f.probe = "", f.probe_allowed = true; }, "webhook", Level::kFailure},
      {[](ClusterFacts& f) { f.probe = "failed calling webhook: x509: bad"; }, "webhook",
       Level::kFailure},
      {[](ClusterFacts& f) {
         f.webhook.Make({"clientConfig", "caBundle"}) = "";
       },
       "webhook CA", Level::kFailure},
      {[](ClusterFacts& f) { f.rights[0].second = false; }, "rights", Level::kFailure},
      {[](ClusterFacts& f) { f.nodes.clear(); }, "nodes", Level::kWarning},
      {[](ClusterFacts& f) { f.nodes[0].capacity.observed_at = kNow - std::chrono::hours(2); },
       "node mac-1", Level::kWarning},
      {[](ClusterFacts& f) { f.nodes[0].capacity.invalid = "memory-total: x"; }, "node mac-1",
       Level::kFailure},
  };
  for (const auto& c : cases) {
    ClusterFacts facts = HealthyCluster();
    c.break_it(facts);
    const Finding* found = nullptr;
    const auto findings = JudgeCluster(facts, kNow);
    found = Find(findings, c.check);
    ASSERT_NE(found, nullptr) << c.check;
    EXPECT_EQ(found->level, c.level) << c.check << ": " << found->text;
    EXPECT_NE(found->remedy, "") << c.check;
  }
  const auto late = JudgeCluster(HealthyCluster(), kNow + std::chrono::hours(24 * 360));
  EXPECT_EQ(Find(late, "webhook CA")->level, Level::kWarning);
  const auto expired = JudgeCluster(HealthyCluster(), kNow + std::chrono::hours(24 * 400));
  EXPECT_EQ(Find(expired, "webhook CA")->level, Level::kFailure);
}

class DoctorCommand : public CommandTest {};

TEST_F(DoctorCommand, RunsLlamaServerAndTellsWhatItLacks) {
  const std::string server = Write("llama-server",
                                   "#!/bin/sh\ncase $1 in --version) echo 'version: 9.9.9' >&2 ;; "
                                   "--help) echo '--ctx-size N' ;; "
                                   "esac\n");
  std::filesystem::permissions(server, std::filesystem::perms::owner_all);
  Call({"doctor", "--llama-server", server, "--state-dir", folder_ + "/state"});
  EXPECT_THAT(out_.str(),
              AllOf(HasSubstr("llama-server: version: 9.9.9"),
                    HasSubstr("llama-server flags: it does not know --parallel, --cache-type-k"),
                    HasSubstr("free for downloaded models"), HasSubstr("made at the first start")));
  EXPECT_EQ(Call({"doctor", "--llama-server", folder_ + "/absent"}), kFailed);
  EXPECT_THAT(out_.str(), HasSubstr("install llama.cpp"));
}

TEST_F(DoctorCommand, BadInputIsOneClearLine) {
  EXPECT_EQ(Call({"doctor", "extra"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("no arguments"));
  EXPECT_EQ(Call({"doctor", "--kubeconfig", "/absent"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("/absent"));
}

}  // namespace
}  // namespace headroom::cli

// What the doctor makes of facts, and the facts it gathers of a machine with a stand-in for
// llama-server; the cluster's are gathered in tests/e2e.
#include <gmock/gmock.h>

#include "certs/certs.h"
#include "cli/doctor/estimates.h"
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
  facts.estimates = {
      {"chat.gguf", "", (5063ull << 20) + 100, "MTL0 4400 512 108 \nHost 35 0 8 \n"}};
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
      {[](MachineFacts& f) { f.estimates[0].ours = 5000ull << 20; }, "estimate", Level::kWarning},
      {[](MachineFacts& f) { f.estimates[0].ours = 5200ull << 20; }, "estimate", Level::kWarning},
      {[](MachineFacts& f) { f.estimates[0].fit_print = "usage"; }, "estimate", Level::kWarning},
      {[](MachineFacts& f) { f.estimates[0].problem = "no GGUF"; }, "estimate", Level::kWarning},
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

TEST(JudgeComparison, IsStricterBelowThanAbove) {
  // 1,000 MiB, before rounding down to at most 1,006.
  const auto judge = [](uint64_t mib) {
    return JudgeComparison({"m", "", mib << 20, "Metal A 900 50 44\nHost 6 0 0\n"});
  };
  const struct {
    uint64_t mib;
    Level level;
    const char* text;
  } cases[] = {
      {990, Level::kWarning, "-1.0 %"}, {996, Level::kOk, "-0.4 %"},
      {1000, Level::kOk, "equal"},      {1005, Level::kOk, "equal"},
      {1020, Level::kOk, "+1.4 %"},     {1030, Level::kWarning, "+2.4 %"},
  };
  for (const auto& c : cases) {
    const Finding finding = judge(c.mib);
    EXPECT_EQ(finding.level, c.level) << finding.text;
    EXPECT_THAT(finding.text, HasSubstr(c.text));
  }
  EXPECT_THAT(judge(990).remedy, HasSubstr("lower the node's --memory-fraction"));
  EXPECT_THAT(judge(1030).remedy, HasSubstr("may be refused"));
}

TEST(FitPrint, TakesOnlyLinesOfSizes) {
  const auto print = ParseFitPrint("log 1 2\nApple M4 Max 10 20 30 \r\nHost 1 2 3");
  ASSERT_TRUE(print);
  EXPECT_EQ(print->least_bytes, 66ull << 20);
  EXPECT_EQ(print->most_bytes, 72ull << 20);
  for (const char* text : {"", "\n", "1 2 3", "Host 1 2", "Host 1 2 -3", "Host 1 2 4294967296"}) {
    EXPECT_FALSE(ParseFitPrint(text)) << text;
  }
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

TEST_F(DoctorCommand, ComparesEstimatesWithTheFitProgramBesideTheServer) {
  const auto program = [this](const std::string& name, const std::string& text) {
    const std::string path = Write(name, "#!/bin/sh\n" + text);
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
  };
  const std::string server = program("llama-server", "echo 'version: 0.6.0 (build 1)'");
  const std::string state = folder_ + "/state", model = Model();
  const Arguments doctor = {"doctor", "--llama-server", server, "--state-dir", state};
  Call(doctor);
  EXPECT_THAT(out_.str(), HasSubstr("note     estimate: not compared with llama.cpp's own: there "
                                    "is no " +
                                    folder_ + "/llama-fit-params"));
  program("llama-fit-params",
          "[ $1 = --help ] && echo '--fit-print' || { echo \"$@\" >$0.said; echo 'Host 4 9 2'; }");
  Call(doctor);
  EXPECT_THAT(out_.str(), HasSubstr("no model was fetched yet"));
  const std::string fetched = Write("state/models/host/model.gguf", *ReadFile(model));
  Call(doctor);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("warning  estimate: " + fetched),
                                HasSubstr("llama-fit-params says 15.0 MiB (+"),
                                HasSubstr("-> models that fit may be refused")));
  EXPECT_THAT(*ReadFile(folder_ + "/llama-fit-params.said"),
              HasSubstr("--model " + fetched + " --ctx-size 8192 --parallel 1"));
  Call({"doctor", "--llama-server", server, "--model", "absent.gguf"});
  EXPECT_THAT(out_.str(),
              AllOf(HasSubstr("warning  estimate: absent.gguf: "), Not(HasSubstr(fetched))));
}

TEST_F(DoctorCommand, BadInputIsOneClearLine) {
  EXPECT_EQ(Call({"doctor", "extra"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("no arguments"));
  EXPECT_EQ(Call({"doctor", "--kubeconfig", "/absent"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("/absent"));
}

}  // namespace
}  // namespace headroom::cli

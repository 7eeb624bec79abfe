// nodes, top, status, events and why over node files and a stand-in for an exporter; the cluster is
// in tests/e2e.
#include "cli/view/view.h"

#include <gmock/gmock.h>

#include "common/yaml.h"
#include "tests/cli/served.h"

namespace headroom::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using webhook::testing::kGiB;
using webhook::testing::kNow;
using webhook::testing::ModelObject;
using webhook::testing::NodeObject;
using webhook::testing::NodeSpec;

const FleetOptions kNothing;
const char* NoEnvironment(const char*) { return nullptr; }

TEST(ResolveSource, TakesWhatIsGivenThenAClusterThenThisMachine) {
  const auto never = [](const std::string&) { return false; };
  const auto always = [](const std::string&) { return true; };
  const auto home = [](const char* name) {
    return std::string_view(name) == "HOME" ? "/home/a" : nullptr;
  };
  const auto variable = [](const char* name) {
    return std::string_view(name) == "KUBECONFIG" ? "/k" : nullptr;
  };
  EXPECT_EQ(ResolveSource({.kubeconfig = "/given"}, variable, always).kubeconfig, "/given");
  EXPECT_EQ(ResolveSource(kNothing, variable, always).kubeconfig, "/k");
  EXPECT_EQ(ResolveSource(kNothing, home, always).kubeconfig, "/home/a/.kube/config");
  const FleetSource alone = ResolveSource(kNothing, home, never);
  EXPECT_EQ(alone.kubeconfig, "");
  EXPECT_EQ(alone.nodes, std::vector<std::string>{kLocalExporter});
  const FleetSource file = ResolveSource({.nodes = {"n.yaml"}}, variable, always);
  EXPECT_EQ(file.kubeconfig, "");
  EXPECT_EQ(file.nodes, std::vector<std::string>{"n.yaml"});
  EXPECT_EQ(ResolveSource({.manifests = "/m"}, NoEnvironment, never).nodes,
            std::vector<std::string>{kLocalExporter});
}

TEST(NodeUrl, CompletesAnExportersAddress) {
  EXPECT_EQ(NodeUrl("http://mac-1:19834"), "http://mac-1:19834/v1/node");
  EXPECT_EQ(NodeUrl("http://mac-1:19834/"), "http://mac-1:19834/v1/node");
  EXPECT_EQ(NodeUrl("http://mac-1:19834/v1/node"), "http://mac-1:19834/v1/node");
  EXPECT_EQ(NodeUrl("https://host/list.yaml"), "https://host/list.yaml");
  EXPECT_EQ(NodeUrl("nodes.yaml"), "nodes.yaml");
}

TEST(Age, IsTheLargestUnitThatSaysEnough) {
  const auto age = [](auto back) { return Age(kNow - back, kNow); };
  EXPECT_EQ(age(std::chrono::seconds(5)), "5s");
  EXPECT_EQ(age(std::chrono::seconds(150)), "2m");
  EXPECT_EQ(age(std::chrono::hours(3)), "3h");
  EXPECT_EQ(age(std::chrono::hours(72)), "3d");
  EXPECT_EQ(age(std::chrono::seconds(-5)), "0s");
  EXPECT_EQ(Age(std::nullopt, kNow), "");
}

TEST(Fleet, PlacesWorkloadsAndNamesThem) {
  Json claimed = ModelObject("a", 4096), bound = ModelObject("b", 4096);
  claimed.Make({"metadata", "annotations", "headroom.dev/claimed-by"}) = "mac-2";
  bound.Make({"spec", "nodeName"}) = "mac-1";
  Json twin = ModelObject("a", 4096);
  twin.Make({"metadata", "namespace"}) = "team-b";
  const Fleet fleet({NodeObject({.name = "mac-1"}), NodeObject({.name = "mac-2"}), claimed, bound,
                     ModelObject("open", 4096), twin});
  ASSERT_EQ(fleet.wanted().size(), 4u);
  EXPECT_EQ(fleet.Find("Model/team-a/a")->node, "mac-2");
  EXPECT_EQ(fleet.Find("Model/team-a/b")->node, "mac-1");
  EXPECT_EQ(fleet.Find("Model/team-a/open")->node, "");
  EXPECT_THAT(fleet.FindByName("a", "").error().message(), HasSubstr("names several"));
  EXPECT_TRUE(fleet.FindByName("a", "team-b"));
  EXPECT_TRUE(fleet.FindByName("team-b/a", ""));
  EXPECT_FALSE(fleet.FindByName("absent", ""));
}

TEST(StateOf, ReadsTheStatusThatTheNodeWrote) {
  Json model = ModelObject("a", 4096);
  model.Make({"metadata", "annotations", "headroom.dev/claimed-by"}) = "mac-1";
  model.Make({"status", "serving"}) = Json::Object{{"phase", "Ready"},
                                                   {"endpoint", "http://10.0.0.5:19900"},
                                                   {"restarts", 2},
                                                   {"footprintBytes", 1 << 30}};
  const Fleet fleet({NodeObject({.name = "mac-1"}), model, ModelObject("new", 4096)});
  const ModelState state = StateOf(*fleet.Find("Model/team-a/a"));
  EXPECT_EQ(state.phase, "Ready");
  EXPECT_EQ(state.node, "mac-1");
  EXPECT_EQ(state.footprint, 1u << 30);
  EXPECT_EQ(state.restarts, 2);
  EXPECT_EQ(StateOf(*fleet.Find("Model/team-a/new")).phase, "Pending");
}

class ViewCommand : public ServedCommandTest {
 protected:
  void ServeExporter() {
    Serve();
    pages_["/v1/node"] = NodeObject({.name = "mac-1",
                                     .committed = kGiB,
                                     .metrics_address = url_,
                                     .observed_at = std::chrono::system_clock::now()});
  }
};

TEST_F(ViewCommand, NodesTellsBudgetAndHeadroom) {
  const std::string nodes = Nodes({{.name = "mac-1", .budget = 4 * kGiB, .committed = kGiB},
                                   {.name = "old", .observed_at = kNow}});
  ASSERT_EQ(Call({"nodes", "--nodes", nodes}), kDone) << err_.str();
  ExpectGolden("nodes.txt", std::regex_replace(Said(), std::regex("\\d+d\n"), "300d\n"));
  std::istringstream lines(out_.str());
  std::string title, first;
  std::getline(lines, title);
  std::getline(lines, first);
  EXPECT_THAT(title, HasSubstr("NAME    STATUS   TOTAL     BUDGET    COMMITTED   HEADROOM"));
  EXPECT_THAT(first, HasSubstr("mac-1   Ready    8.0 GiB   4.0 GiB   1.0 GiB     3.0 GiB"));
  EXPECT_THAT(title, Not(HasSubstr("LLAMA.CPP")));
  ASSERT_EQ(Call({"nodes", "--nodes", nodes, "-o", "wide"}), kDone);
  EXPECT_THAT(out_.str(), HasSubstr("LLAMA.CPP"));
  ASSERT_EQ(Call({"nodes", "--nodes", nodes, "-o", "json"}), kDone);
  const auto json = ParseJson(out_.str());
  ASSERT_TRUE(json && json->AsArray());
  EXPECT_EQ(IntOr((*json->AsArray())[0], {"headroom"}, 0), static_cast<int64_t>(3 * kGiB));
  ASSERT_EQ(Call({"nodes", "--nodes", nodes, "-o", "yaml"}), kDone);
  EXPECT_EQ(ParseYaml(out_.str(), "yaml").value().front(), *json);
}

TEST_F(ViewCommand, TopAndStatusAskTheExporter) {
  ServeExporter();
  pages_["/memstats"] = ParseJson(R"({"total": 8589934592, "pressure": "warning",
    "parts": {"wired": 1073741824, "models": 2147483648, "free": 5368709120},
    "models": [{"namespace": "team-a", "name": "llama", "ready": true, "footprint": 2147483648,
                "estimated": 1073741824}]})")
                            .value();
  pages_["/v1/models"] = ParseJson(R"({"node": "mac-1", "models": [
    {"kind": "Model", "namespace": "team-a", "name": "llama", "state": "ready", "reason": "",
     "endpoint": "http://127.0.0.1:19900", "footprintBytes": 1073741824, "restarts": 1},
    {"kind": "Model", "namespace": "team-a", "name": "big", "state": "waiting-for-memory",
     "reason": "[HR-103] first line\nsecond line", "footprintBytes": null, "restarts": 0}]})")
                             .value();
  ASSERT_EQ(Call({"top", "--nodes", url_}), kDone) << err_.str();
  ExpectGolden("top.txt", Said());
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("mac-1   8.0 GiB   1.0 GiB   2.0 GiB"),
                                HasSubstr("warning"), HasSubstr("200%")));
  ASSERT_EQ(Call({"status", "--nodes", url_}), kDone) << err_.str();
  ExpectGolden("status.txt", Said());
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("llama   mac-1   ready"), HasSubstr("1.0 GiB"),
                                HasSubstr("waiting-for-memory"), Not(HasSubstr("second line"))));
  ASSERT_EQ(Call({"status", "big", "--nodes", url_}), kDone) << err_.str();
  ExpectGolden("status-model.txt", Said());
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("second line"), Not(HasSubstr("llama"))));
  EXPECT_EQ(Call({"status", "absent", "--nodes", url_}), kFailed);
}

TEST_F(ViewCommand, WhyExplainsTheWholeDecision) {
  Json model = ModelObject("llama", 65536, Model());
  const std::string nodes = Nodes({{.name = "mac-1", .budget = 4 * kGiB}});
  Write("manifests/llama.yaml", WriteYaml(model));
  const std::string manifests = folder_ + "/manifests";
  ASSERT_EQ(Call({"why", "llama", "--nodes", nodes, "--manifests", manifests}), kDone)
      << err_.str();
  ExpectGolden("why-allowed.txt", Said());
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("would be allowed"), HasSubstr("KV cache"),
                                HasSubstr("= footprint"), HasSubstr("mac-1   fits")));
  model.Make({"spec", "serving", "contextSize"}) = 1'000'000;
  Write("manifests/llama.yaml", WriteYaml(model));
  EXPECT_EQ(Call({"why", "team-a/llama", "--nodes", nodes, "--manifests", manifests}), kFailed);
  ExpectGolden("why-denied.txt", Said());
  EXPECT_THAT(out_.str(),
              AllOf(HasSubstr("would be denied"), HasSubstr("[HR-101]"), HasSubstr("Would fit")));
  EXPECT_EQ(Call({"why", "llama", "--nodes", nodes, "--manifests", manifests, "-o", "json"}),
            kFailed);
  EXPECT_EQ(StringOr(ParseJson(out_.str()).value(), {"rule"}), "HR-101");
}

TEST_F(ViewCommand, EventsAreThoseOfModelsTheNewestLast) {
  Serve();
  const std::string now = FormatRfc3339(std::chrono::system_clock::now());
  pages_["/api/v1/events"] = ParseJson(R"({"items": [
    {"involvedObject": {"kind": "Model", "namespace": "team-a", "name": "llama"}, "count": 3,
     "type": "Warning", "reason": "InsufficientMemory", "source": {"host": "mac-1"},
     "message": "[HR-101] Model team-a/llama needs more\nsecond line", "lastTimestamp": ")" +
                                       now + R"("},
    {"involvedObject": {"kind": "Pod", "namespace": "team-a", "name": "other"}, "type": "Normal",
     "reason": "Started", "message": "not ours"},
    {"involvedObject": {"kind": "Model", "namespace": "team-a", "name": "qwen"}, "type": "Normal",
     "reason": "Ready", "message": "serving", "source": {"host": "mac-1"},
     "lastTimestamp": "2026-01-02T03:04:05Z"}]})")
                                 .value();
  ASSERT_EQ(Call({"events", "--kubeconfig", Kubeconfig(), "-o", "wide"}), kDone) << err_.str();
  ExpectGolden("events.txt", std::regex_replace(Said(), std::regex("\n\\d+d"), "\n300d"));
  EXPECT_EQ(Call({"events", "--kubeconfig", Kubeconfig(), "-n", "other"}), kDone);
  EXPECT_EQ(err_.str(), "headroom: no events of models\n");
}

TEST_F(ViewCommand, BadInputIsOneClearLine) {
  const std::string nodes = Nodes({{.name = "mac-1"}});
  const struct {
    Arguments arguments;
    int code;
    const char* expected;
  } cases[] = {
      {{"nodes", "extra"}, kUsage, "no arguments"},
      {{"nodes", "-o", "xml"}, kUsage, "expected table, wide, json or yaml"},
      {{"nodes", "--nodes", "/absent"}, kFailed, "/absent"},
      {{"top", "--nodes", "http://127.0.0.1:1"}, kFailed, "127.0.0.1:1"},
      {{"status", "a", "b"}, kUsage, "one MODEL"},
      {{"events", "--nodes", nodes}, kFailed, "--kubeconfig"},
      {{"why"}, kUsage, "one MODEL"},
      {{"why", "absent", "--nodes", nodes}, kFailed, "absent"},
      {{"why", "absent", "--nodes", nodes, "--manifests", "/absent"}, kFailed, "--manifests"},
      {{"top", "--nodes", nodes}, kFailed, "node mac-1"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Call(c.arguments), c.code) << err_.str();
    EXPECT_THAT(err_.str(), HasSubstr(c.expected));
    const std::string line = err_.str();
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1) << line;
  }
}

}  // namespace
}  // namespace headroom::cli

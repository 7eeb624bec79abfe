#include "common/flags.h"

#include <gtest/gtest.h>

#include <map>

#include "common/files.h"

namespace headroom {
namespace {

using std::chrono::milliseconds;

struct Options {
  std::string listen = "127.0.0.1:9100";
  std::string kubeconfig;
  std::vector<std::string> roots = {"/models"};
  std::vector<std::string> files;
  bool register_node = true, evict = false;
  int port = 8080;
  double fraction = 0.75;
  milliseconds interval{10'000};
  char size = 'S';
};

class FlagsTest : public testing::Test {
 protected:
  FlagsTest() : flags_("headroom-test", "Usage: headroom-test [flags] [FILE...]\n\nTests flags.") {
    flags_.Add("listen", options_.listen, "HOST:PORT", "Address to serve on.");
    flags_.Add("kubeconfig", options_.kubeconfig, "FILE",
               "Credentials for the API server. Without it the service account of the pod is used "
               "when there is one, and manifests on disk otherwise.");
    flags_.Add("model-root", options_.roots, "DIR", "Folder models are kept in.");
    flags_.Add("filename,f", options_.files, "FILE", "Manifest to read.");
    flags_.Add("register-node", options_.register_node, "Create the Node object.");
    flags_.Add("eviction-enabled", options_.evict, "Stop models under pressure.");
    flags_.Add("port", options_.port, "PORT", "First port.");
    flags_.Add("memory-fraction", options_.fraction, "FRACTION", "Share of memory for models.");
    flags_.Add("interval", options_.interval, "Pause between samples.");
    flags_.Add("size", "S|M|L", "How large.", "S", [this](std::string_view text) -> Result<void> {
      if (text.size() != 1) return Error(Code::kInvalid, "expected S, M or L");
      options_.size = text[0];
      return {};
    });
  }

  Result<Flags::Parsed> Parse(const std::vector<std::string>& args) {
    return flags_.Parse(args, [this](const char* name) -> const char* {
      const auto found = environment_.find(name);
      return found == environment_.end() ? nullptr : found->second.c_str();
    });
  }

  Options options_;
  std::map<std::string, std::string> environment_;
  Flags flags_;
};

TEST_F(FlagsTest, ReadsEveryForm) {
  const auto parsed = Parse({"apply",
                             "--listen=:1",
                             "--kubeconfig",
                             "k.yaml",
                             "--model-root",
                             "/a",
                             "--model-root=/b,c",
                             "-f",
                             "x.yaml",
                             "-f=-",
                             "--no-register-node",
                             "--eviction-enabled",
                             "--port=-5",
                             "--memory-fraction",
                             "1e-1",
                             "--interval=1m30s",
                             "--size=L",
                             "-",
                             "last",
                             "--",
                             "--listen=:2",
                             "tail"});
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(options_.listen, ":1");
  EXPECT_EQ(options_.kubeconfig, "k.yaml");
  EXPECT_EQ(options_.roots, (std::vector<std::string>{"/a", "/b,c"}));
  EXPECT_EQ(options_.files, (std::vector<std::string>{"x.yaml", "-"}));
  EXPECT_FALSE(options_.register_node);
  EXPECT_TRUE(options_.evict);
  EXPECT_EQ(options_.port, -5);
  EXPECT_EQ(options_.fraction, 0.1);
  EXPECT_EQ(options_.interval, milliseconds(90'000));
  EXPECT_EQ(options_.size, 'L');
  EXPECT_EQ(parsed->positional, (std::vector<std::string>{"apply", "-", "last"}));
  EXPECT_EQ(parsed->after_dashes, (std::vector<std::string>{"--listen=:2", "tail"}));
  EXPECT_FALSE(parsed->help);
  EXPECT_FALSE(parsed->version);
}

TEST_F(FlagsTest, DefaultsStayAndHelpIsNoticed) {
  EXPECT_TRUE(Parse({"--help"})->help);
  EXPECT_TRUE(Parse({"-h"})->help);
  EXPECT_TRUE(Parse({"--version"})->version);
  EXPECT_EQ(options_.roots, std::vector<std::string>{"/models"});
  EXPECT_EQ(options_.port, 8080);
}

TEST_F(FlagsTest, EnvironmentFillsInForFlagsNotGiven) {
  environment_ = {{"HEADROOM_LISTEN", ":7"},
                  {"HEADROOM_PORT", "9"},
                  {"HEADROOM_MODEL_ROOT", "/x,/y"},
                  {"HEADROOM_REGISTER_NODE", "false"},
                  {"HEADROOM_KUBECONFIG", ""}};
  ASSERT_TRUE(Parse({"--port=10"}));
  EXPECT_EQ(options_.listen, ":7");
  EXPECT_EQ(options_.port, 10);
  EXPECT_EQ(options_.roots, (std::vector<std::string>{"/x", "/y"}));
  EXPECT_FALSE(options_.register_node);
  environment_["HEADROOM_INTERVAL"] = "soon";
  EXPECT_EQ(Parse({}).error().message(),
            "HEADROOM_INTERVAL: expected a duration such as 250ms, 10s, 2m or 1h, got 'soon'");
}

TEST_F(FlagsTest, ErrorsSayWhatToType) {
  const struct {
    std::vector<std::string> args;
    const char* message;
  } kRows[] = {
      {{"--listne=:1"}, "unknown flag --listne; did you mean --listen?"},
      {{"--no-registernode"}, "unknown flag --no-registernode; did you mean --register-node?"},
      {{"--no-listen"}, "unknown flag --no-listen; did you mean --listen?"},
      {{"--frobnicate"}, "unknown flag --frobnicate; see headroom-test --help"},
      {{"-x"}, "unknown flag -x; see headroom-test --help"},
      {{"-listen"}, "unknown flag -listen; did you mean --listen?"},
      {{"--f=x"}, "unknown flag --f; see headroom-test --help"},
      {{"--listen"}, "--listen: expected a value (--listen=HOST:PORT)"},
      {{"--listen", "--port=1"}, "--listen: expected a value (--listen=HOST:PORT)"},
      {{"--port=80x"}, "--port: expected an integer, got '80x'"},
      {{"--port="}, "--port: expected an integer, got ''"},
      {{"--port=99999999999"}, "--port: expected an integer, got '99999999999'"},
      {{"--memory-fraction=inf"}, "--memory-fraction: expected a number, got 'inf'"},
      {{"--memory-fraction=0.5x"}, "--memory-fraction: expected a number, got '0.5x'"},
      {{"--register-node=maybe"}, "--register-node: expected true or false, got 'maybe'"},
      {{"--interval=10"}, "--interval: expected a duration such as 250ms, 10s, 2m or 1h, got '10'"},
      {{"--size=XL"}, "--size: expected S, M or L"},
      {{"-f"}, "-f: expected a value (-f=FILE)"},
  };
  for (const auto& row : kRows) {
    const auto parsed = Parse(row.args);
    ASSERT_FALSE(parsed) << row.args[0];
    EXPECT_EQ(parsed.error().message(), row.message);
  }
}

TEST_F(FlagsTest, HelpMatchesTheGoldenFile) {
  const auto golden = ReadFile(HEADROOM_TEST_DATA "/common/flags_help.txt");
  ASSERT_TRUE(golden) << golden.error().message();
  EXPECT_EQ(flags_.Help(), *golden);
}

TEST(Duration, ParsesTable) {
  EXPECT_EQ(*ParseDuration("0"), milliseconds(0));
  EXPECT_EQ(*ParseDuration("250ms"), milliseconds(250));
  EXPECT_EQ(*ParseDuration("10s"), milliseconds(10'000));
  EXPECT_EQ(*ParseDuration("2m"), milliseconds(120'000));
  EXPECT_EQ(*ParseDuration("1h"), milliseconds(3'600'000));
  EXPECT_EQ(*ParseDuration("1h2m3s4ms"), milliseconds(3'723'004));
  for (const char* bad : {"", "10", "s", "-1s", "1.5s", "10 s", "10d", "1s2", "9999999999999999h",
                          "9223372036854775807ms9223372036854775807ms"}) {
    EXPECT_FALSE(ParseDuration(bad)) << bad;
  }
}

}  // namespace
}  // namespace headroom

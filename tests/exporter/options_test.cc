#include "exporter/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headroom::exporter {
namespace {

using testing::HasSubstr;

const char* NoEnvironment(const char*) { return nullptr; }

Result<CommandLine> Parse(std::vector<std::string> args) {
  return ParseCommandLine(args, NoEnvironment, "Mac-Studio.local");
}

TEST(Options, Defaults) {
  const auto line = Parse({});
  ASSERT_TRUE(line) << line.error().message();
  EXPECT_EQ(line->options.listen, "127.0.0.1:19834");
  EXPECT_EQ(line->options.node_name, "mac-studio.local") << "a valid node name";
  EXPECT_EQ(line->options.state_dir, "/var/lib/headroom");
  EXPECT_EQ(line->options.model_ports.first, 19900);
  EXPECT_TRUE(line->options.register_node);
  EXPECT_FALSE(line->options.stop_models_on_exit);
  EXPECT_TRUE(line->options.scrape_models);
  EXPECT_EQ(line->options.store_limit, 0u);
  EXPECT_EQ(line->options.BudgetSetting(), "");
}

TEST(Options, HelpAndVersion) {
  EXPECT_THAT(Parse({"--help"})->print, HasSubstr("--[no-]stop-models-on-exit"));
  EXPECT_THAT(Parse({"--version"})->print, HasSubstr("headroom-exporter "));
}

TEST(Options, Reads) {
  const auto line =
      Parse({"--node-name=mac-1", "--no-register-node", "--memory-fraction", "0.8", "--model-root",
             "/", "--model-ports=8080", "--memory-watchdog-interval=2s",
             "--memory-pressure-warning=0.3", "--stop-models-on-exit", "--listen=[::1]:1",
             "--no-scrape-models", "--compat-metrics=llmkube", "--store-limit=2Gi",
             "--server=vllm=/opt/vllm", "--server=mistralrs=m=n"});
  ASSERT_TRUE(line) << line.error().message();
  EXPECT_EQ(line->options.node_name, "mac-1");
  EXPECT_FALSE(line->options.register_node);
  EXPECT_EQ(line->options.BudgetSetting(), "0.8");
  EXPECT_EQ(line->options.model_ports.last, 8080);
  EXPECT_EQ(line->options.watchdog_interval, std::chrono::seconds(2));
  EXPECT_EQ(line->options.pressure.warning, 0.3);
  EXPECT_FALSE(line->options.scrape_models);
  EXPECT_EQ(line->options.compat_metrics, "llmkube");
  EXPECT_EQ(line->options.store_limit, uint64_t{2} << 30);
  EXPECT_EQ(line->options.servers.at("vllm"), "/opt/vllm");
  EXPECT_EQ(line->options.servers.at("mistralrs"), "m=n");
}

TEST(Options, RefusesWithOneLineThatNamesTheFlag) {
  struct Case {
    std::vector<std::string> args;
    const char* text;
  } const cases[] = {
      {{"--memory-budget=1Gi", "--memory-fraction=0.5"}, "give one of them"},
      {{"--kubeconfig=a", "--manifests=/"}, "give one of them"},
      {{"--memory-fraction=24Gi"}, "--memory-fraction: expected a number"},
      {{"--memory-fraction=1.5"}, "--memory-fraction"},
      {{"--memory-fraction=0"}, "--memory-fraction"},
      {{"--memory-budget=banana"}, "--memory-budget"},
      {{"--model-ports=9-1"}, "--model-ports"},
      {{"--model-root=/none"}, "--model-root /none"},
      {{"--manifests=/none"}, "--manifests /none"},
      {{"--listen=nowhere"}, "--listen"},
      {{"--log-level=loud"}, "--log-level"},
      {{"--tls-key=a"}, "expected both"},
      {{"--memory-watchdog-interval=10ms"}, "at least 1s"},
      {{"--memory-pressure-critical=0.5"}, "critical"},
      {{"--compat-metrics=node"}, "--compat-metrics: expected llmkube"},
      {{"--store-limit=lots"}, "--store-limit"},
      {{"--server=llama=/x"}, "--server"},
      {{"--server=vllm"}, "expected vllm-metal=PROGRAM"},
      {{"extra"}, "unexpected argument 'extra'"},
      {{"--node-nam=x"}, "--node-name"},
  };
  for (const Case& c : cases) {
    const auto line = Parse(c.args);
    ASSERT_FALSE(line) << c.args[0];
    EXPECT_THAT(line.error().message(), HasSubstr(c.text));
    EXPECT_EQ(line.error().message().find('\n'), std::string::npos);
  }
}

}  // namespace
}  // namespace headroom::exporter

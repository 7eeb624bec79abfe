#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "exporter/models/runtime.h"

namespace headroom::exporter {
namespace {

std::string Recorded(const std::string& name) {
  std::ifstream in(std::string(HEADROOM_TEST_DATA) + "/llama-server/" + name);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST(Runtime, ReadsTheRecordedHelpOf070) {
  const auto flags = ParseRuntimeFlags(Recorded("help-0.7.0.txt"));
  ASSERT_TRUE(flags) << flags.error().message();
  for (const char* flag : {"--model",
                           "-m",
                           "--ctx-size",
                           "-c",
                           "--parallel",
                           "--cache-type-k",
                           "--cache-type-v",
                           "--ubatch-size",
                           "--batch-size",
                           "--cache-ram",
                           "--ctx-checkpoints",
                           "--fit",
                           "--metrics",
                           "--kv-unified",
                           "--no-kv-unified",
                           "--flash-attn",
                           "--swa-full",
                           "--mmproj",
                           "--host",
                           "--port",
                           "--n-gpu-layers",
                           "--embedding",
                           "--reranking",
                           "--pooling",
                           "--no-webui",
                           "--reasoning-budget-message",
                           "--n-cpu-moe",
                           "--load-mode"}) {
    EXPECT_TRUE(flags->count(flag)) << flag;
  }
  for (const char* none : {"--mlock", "--no-mmap", "-----", "--ctx", "N", "-1"}) {
    EXPECT_FALSE(flags->count(none)) << none;
  }
}

TEST(Runtime, ReadsVersions) {
  EXPECT_EQ(*ParseRuntimeVersion(Recorded("version-0.7.0.txt")), "0.7.0");
  EXPECT_EQ(*ParseRuntimeVersion("version: 6123 (79c1160b)\nbuilt with clang\n"), "6123");
  EXPECT_EQ(*ParseRuntimeVersion("ggml_metal: warning\nversion: 0.8.1\n"), "0.8.1");
}

TEST(Runtime, RefusesOtherPrograms) {
  EXPECT_FALSE(ParseRuntimeVersion(""));
  const auto version = ParseRuntimeVersion("GNU bash, version 5\n");
  ASSERT_FALSE(version);
  EXPECT_THAT(version.error().message(), testing::HasSubstr("GNU bash"));
  EXPECT_FALSE(ParseRuntimeFlags(""));
  const auto flags = ParseRuntimeFlags("-m, --model X\n--host H\n--port P\n");
  ASSERT_FALSE(flags);
  EXPECT_THAT(flags.error().message(), testing::HasSubstr("--ctx-size"));
}

}  // namespace
}  // namespace headroom::exporter

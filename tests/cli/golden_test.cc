// Whole outputs of `headroom estimate` and `headroom inspect` over models made here.
// HEADROOM_UPDATE_GOLDEN=1 rewrites tests/data/cli; review the difference before committing it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/cli.h"
#include "common/files.h"
#include "tests/tools/tiny_models.h"

namespace headroom::cli {
namespace {

using headroom::testing::GgufWriter;

// Outputs name files as the person did, so all runs are in one folder, by bare names.
class Folder {
 public:
  Folder() : before_(std::filesystem::current_path()) {
    std::string name = ::testing::TempDir() + "golden-XXXXXX";
    path_ = mkdtemp(name.data());
    std::filesystem::current_path(path_);
    EXPECT_TRUE(headroom::testing::KvHeavyModel().WriteTo("kvheavy.gguf"));
    EXPECT_TRUE(headroom::testing::TinyModel().WriteTo("tiny.gguf"));
    EXPECT_TRUE(Unknown().WriteTo("unknown.gguf"));
    GgufWriter projector;
    projector.Add("general.architecture", "clip")
        .Add("general.type", "mmproj")
        .Add("clip.vision.image_size", uint32_t{224})
        .Add("clip.vision.patch_size", uint32_t{14})
        .Add("clip.vision.embedding_length", uint32_t{128})
        .Add("clip.vision.feed_forward_length", uint32_t{512})
        .Add("clip.vision.attention.head_count", uint32_t{4})
        .AddTensor("mm.0.weight", {128, 64}, 1);
    EXPECT_TRUE(projector.WriteTo("mmproj.gguf"));
    GgufWriter lora;
    lora.Add("general.architecture", "llama")
        .Add("general.type", "adapter")
        .AddTensor("blk.0.attn_q.weight.lora_a", {64, 8}, 0)
        .AddTensor("blk.0.attn_q.weight.lora_b", {8, 64}, 0);
    EXPECT_TRUE(lora.WriteTo("lora.gguf"));
    for (int i = 1; i <= 2; ++i) {
      GgufWriter part;
      part.Add("general.architecture", "llama")
          .Add("split.count", uint32_t{2})
          .AddTensor("blk." + std::to_string(i) + ".attn_q.weight", {256, 64}, i == 1 ? 12 : 14);
      EXPECT_TRUE(part.WriteTo("split-0000" + std::to_string(i) + "-of-00002.gguf"));
    }
    std::filesystem::copy_file(std::string(HEADROOM_TEST_DATA) + "/node/node.yaml", "nodes.yaml");
  }
  ~Folder() {
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(path_);
  }

 private:
  static GgufWriter Unknown() {
    GgufWriter writer;
    writer.Add("general.architecture", "brandnew")
        .Add("brandnew.block_count", uint32_t{4})
        .Add("brandnew.context_length", uint32_t{8192})
        .Add("brandnew.embedding_length", uint32_t{256})
        .Add("brandnew.attention.head_count", uint32_t{8})
        .Add("brandnew.attention.head_count_kv", uint32_t{2})
        .AddTensor("token_embd.weight", {256, 100}, 0);
    return writer;
  }
  std::filesystem::path before_, path_;
};

struct GoldenCase {
  const char* name;
  Arguments arguments;
  int code = kDone;
};

void PrintTo(const GoldenCase& c, std::ostream* out) { *out << c.name; }

class Golden : public ::testing::TestWithParam<GoldenCase> {};

TEST_P(Golden, PrintsExactly) {
  const GoldenCase& c = GetParam();
  const Folder folder;
  std::ostringstream out, err;
  EXPECT_EQ(cli::Run(c.arguments, {out, err}), c.code);
  std::string text = "$ headroom";
  for (const std::string& argument : c.arguments) text += " " + argument;
  text += "\n" + out.str() + err.str();
  const std::string path = std::string(HEADROOM_TEST_DATA) + "/cli/" + c.name + ".txt";
  if (std::getenv("HEADROOM_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << text;
  const auto golden = ReadFile(path);
  ASSERT_TRUE(golden) << golden.error().message();
  EXPECT_EQ(text, *golden) << "if this is intended: HEADROOM_UPDATE_GOLDEN=1";
}

INSTANTIATE_TEST_SUITE_P(
    , Golden,
    ::testing::Values(
        GoldenCase{"estimate", {"estimate", "kvheavy.gguf", "--context", "8192"}},
        GoldenCase{"estimate-wide", {"estimate", "tiny.gguf", "-o", "wide", "--parallel", "2"}},
        GoldenCase{"estimate-cpu",
                   {"estimate", "tiny.gguf", "--device", "cpu", "--load-mode", "none"}},
        GoldenCase{"estimate-json", {"estimate", "kvheavy.gguf", "tiny.gguf", "--json"}},
        GoldenCase{"estimate-yaml", {"estimate", "kvheavy.gguf", "-o", "yaml", "--budget", "64Gi"}},
        GoldenCase{"estimate-budget",
                   {"estimate", "kvheavy.gguf", "--context", "65536", "--cache-ram", "0",
                    "--budget", "1Gi"},
                   kFailed},
        GoldenCase{"estimate-node",
                   {"estimate", "kvheavy.gguf", "--node", "mac-1", "--nodes", "nodes.yaml",
                    "--memory-fraction", "0.2"},
                   kFailed},
        GoldenCase{"estimate-sweep",
                   {"estimate", "kvheavy.gguf", "--sweep", "context,cache-type", "--budget", "12Gi",
                    "--context", "8192"}},
        GoldenCase{"estimate-sweep-json",
                   {"estimate", "tiny.gguf", "--sweep", "cache-type", "--json"}},
        GoldenCase{"estimate-command-line",
                   {"estimate", "--", "LLAMA_ARG_CACHE_RAM=100", "llama-server", "-m", "tiny.gguf",
                    "-c", "4096", "--mmproj", "mmproj.gguf", "--lora", "lora.gguf",
                    "--control-vector", "v.gguf", "-md", "tiny.gguf", "--brand-new", "1"}},
        GoldenCase{"estimate-unknown", {"estimate", "unknown.gguf", "--context", "4096"}},
        GoldenCase{"estimate-refused",
                   {"estimate", "tiny.gguf", "--flash-attention", "off", "--cache-type-v", "q8_0"},
                   kFailed},
        GoldenCase{"estimate-one-of-two-missing",
                   {"estimate", "absent.gguf", "tiny.gguf", "--json"},
                   kFailed},
        GoldenCase{"estimate-projector", {"estimate", "mmproj.gguf"}, kFailed},
        GoldenCase{"inspect", {"inspect", "tiny.gguf"}},
        GoldenCase{"inspect-split", {"inspect", "split-00001-of-00002.gguf", "-o", "wide"}},
        GoldenCase{"inspect-missing-part", {"inspect", "split-00002-of-00002.gguf"}, kFailed},
        GoldenCase{"inspect-wide", {"inspect", "kvheavy.gguf", "-o", "wide", "--tensors"}},
        GoldenCase{"inspect-json", {"inspect", "tiny.gguf", "mmproj.gguf", "-o", "json"}},
        GoldenCase{"inspect-yaml", {"inspect", "mmproj.gguf", "-o", "yaml", "--tensors"}}),
    [](const ::testing::TestParamInfo<GoldenCase>& param) {
      std::string name = param.param.name;
      for (char& c : name) c = c == '-' ? '_' : c;
      return name;
    });

TEST(EstimateUsage, WrongUsageIsOneLineAndExitCode2) {
  const Folder folder;
  const struct {
    Arguments arguments;
    const char* expected;
  } cases[] = {
      {{"estimate", "tiny.gguf", "-o", "xml"}, "-o: expected table, wide, json or yaml, got 'xml'"},
      {{"estimate", "tiny.gguf", "--sweep", "colour"},
       "--sweep: expected context, cache-type, parallel or ubatch, got 'colour'"},
      {{"estimate", "tiny.gguf", "--sweep", "context,context"},
       "--sweep: expected one or two different axes"},
      {{"estimate", "tiny.gguf", "--memory-fraction", "0.5"},
       "--memory-fraction: of what? give --node or --budget too"},
      {{"estimate", "tiny.gguf", "--budget", "8Gi", "--memory-fraction", "7"},
       "--memory-fraction: expected a number above 0 and at most 1, got '7'"},
      {{"estimate", "tiny.gguf", "--", "-c", "x"}, "-c: expected a number, got 'x'"},
      {{"estimate", "--", "-c", "512"}, "expected a SOURCE"},
      {{"inspect"}, "expected a SOURCE"},
  };
  for (const auto& c : cases) {
    std::ostringstream out, err;
    EXPECT_EQ(cli::Run(c.arguments, {out, err}), kUsage) << c.expected;
    const std::string text = err.str();
    EXPECT_NE(text.find(c.expected), std::string::npos) << text;
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
    EXPECT_EQ(out.str(), "");
  }
}

TEST(EstimateUsage, WhatCannotBeReadIsOneLineAndExitCode1) {
  const Folder folder;
  const struct {
    Arguments arguments;
    const char* expected;
  } cases[] = {
      {{"estimate", "tiny.gguf", "--node", "mac-9", "--nodes", "nodes.yaml"},
       "--node mac-9: there is no such node; there are mac-1"},
      {{"estimate", "tiny.gguf", "--node", "m", "--nodes", "absent.yaml"}, "absent.yaml"},
      {{"estimate", "tiny.gguf", "--", "--mmproj", "tiny.gguf"},
       "--mmproj: tiny.gguf: expected a projector"},
      {{"estimate", "tiny.gguf", "--", "--lora", "mmproj.gguf"},
       "--lora: mmproj.gguf: expected a LoRA adapter"},
      {{"estimate", "tiny.gguf", "--", "-md", "absent.gguf"}, "-md: "},
      {{"estimate", "tiny.gguf", "--", "--spec-type", "draft-mtp"}, "needs NextN layers"},
  };
  for (const auto& c : cases) {
    std::ostringstream out, err;
    EXPECT_EQ(cli::Run(c.arguments, {out, err}), kFailed) << c.expected;
    const std::string text = err.str();
    EXPECT_NE(text.find(c.expected), std::string::npos) << text;
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
  }
}

}  // namespace
}  // namespace headroom::cli

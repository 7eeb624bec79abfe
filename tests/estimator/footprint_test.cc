#include "estimator/footprint.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>

#include "estimator/gguf/file.h"
#include "estimator/gguf/reader.h"
#include "estimator/search.h"
#include "tests/tools/tiny_models.h"

namespace headroom::estimator {
namespace {

using headroom::testing::GgufWriter;

Result<ModelFile> Describe(const GgufWriter& writer) {
  GgufReader reader;
  if (auto fed = reader.Feed(writer.Header()); !fed) return fed.error();
  auto header = reader.Finish();
  if (!header) return header.error();
  return DescribeModel({*header}, writer.FileBytes());
}

ServingOptions OneSlot(uint32_t context) {
  ServingOptions options;
  options.context = context;
  options.parallel = 1;
  options.prompt_cache_mib = 0;
  return options;
}

TEST(Footprint, KvHeavyTakes16KiBAToken) {
  const auto model = Describe(headroom::testing::KvHeavyModel());
  ASSERT_TRUE(model) << model.error().message();
  const auto footprint = Estimate(*model, OneSlot(65536));
  ASSERT_TRUE(footprint);
  EXPECT_EQ(footprint->device.kv_cache, uint64_t{65536} * 16 * 1024);
  EXPECT_EQ(footprint->resident_weights, headroom::testing::KvHeavyModel().FileBytes());
  EXPECT_GT(footprint->load_bytes, footprint->device.kv_cache);
}

TEST(Footprint, ServerDefaultsAreFourUnifiedSlotsAndTheTrainingContext) {
  const auto model = Describe(headroom::testing::TinyModel());
  const auto footprint = Estimate(*model, ServingOptions{});
  ASSERT_TRUE(footprint);
  EXPECT_EQ(footprint->slots, 4u);
  EXPECT_EQ(footprint->context, 32768u);
  EXPECT_EQ(footprint->context_per_slot, 32768u);
  EXPECT_EQ(footprint->prompt_cache, uint64_t{8192} << 20);
  EXPECT_EQ(footprint->footprint_bytes, footprint->load_bytes + footprint->prompt_cache);
}

TEST(Footprint, OnTheCpuEverythingIsTheHosts) {
  const auto model = Describe(headroom::testing::TinyModel());
  ServingOptions options = OneSlot(4096);
  options.device = Device::kCpu;
  const auto footprint = Estimate(*model, options);
  EXPECT_EQ(footprint->device, MemoryParts{});
  EXPECT_EQ(footprint->host.kv_cache, 2u * 2 * 32 * 2 * 4096);
}

// Against the "CPU ... buffer size" lines that llama-server 0.7.0 prints with -lv 4 for
// `-c 4096 -np 2`: KV 1.00 and 64.00 MiB, compute 3.14 and 10.64 MiB.
TEST(Footprint, OnTheCpuAgreesWithARealServersLines) {
  struct Line {
    GgufWriter writer;
    double kv, compute;
  };
  for (const Line& line : {Line{headroom::testing::TinyModel(), 1.00, 3.14},
                           Line{headroom::testing::KvHeavyModel(), 64.00, 10.64}}) {
    const auto model = Describe(line.writer);
    ServingOptions options = OneSlot(4096);
    options.parallel = 2;
    options.device = Device::kCpu;
    const auto footprint = Estimate(*model, options);
    ASSERT_TRUE(footprint);
    constexpr double kMiB = 1 << 20;
    EXPECT_EQ(footprint->host.kv_cache / kMiB, line.kv);
    EXPECT_NEAR(footprint->host.compute / kMiB, line.compute, 0.15);
  }
}

TEST(Footprint, RefusesWhatLlamaServerRefuses) {
  const auto model = Describe(headroom::testing::TinyModel());
  ServingOptions options = OneSlot(4096);
  options.cache_type_v = "q8_0";
  options.flash_attention = FlashAttention::kOff;
  auto refused = Estimate(*model, options);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("needs flash attention"), std::string::npos);
  options = OneSlot(4096);
  options.cache_type_k = options.cache_type_v = "q8_0";  // head size 16, blocks of 32
  refused = Estimate(*model, options);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("does not divide the head size 16"), std::string::npos);
  options.cache_type_k = "q3_K";
  EXPECT_EQ(Estimate(*model, options).error().code(), Code::kInvalid);
}

TEST(Footprint, UnknownArchitectureGivesABound) {
  const auto build = [](const char* architecture) {
    const std::string p = std::string(architecture) + ".";
    GgufWriter writer;
    writer.Add("general.architecture", architecture)
        .Add(p + "block_count", uint32_t{4})
        .Add(p + "context_length", uint32_t{4096})
        .Add(p + "embedding_length", uint32_t{256})
        .Add(p + "attention.head_count", uint32_t{8})
        .Add(p + "attention.head_count_kv", uint32_t{2})
        .AddTensor("token_embd.weight", {256, 100}, 0);
    return writer;
  };
  const auto known = Describe(build("llama"));
  const auto unknown = Describe(build("llama99"));
  ASSERT_TRUE(known && unknown);
  EXPECT_TRUE(unknown->bound);
  const auto bound = Estimate(*unknown, OneSlot(4096));
  EXPECT_EQ(ToString(bound->method), "bound");
  EXPECT_GE(bound->footprint_bytes, Estimate(*known, OneSlot(4096))->footprint_bytes);
  EXPECT_NE(bound->warnings[0].find("unknown architecture 'llama99'"), std::string::npos);
}

TEST(DescribeModel, ErrorsNameTheKey) {
  GgufWriter writer;
  EXPECT_NE(Describe(writer).error().message().find("'general.architecture' is missing"),
            std::string::npos);
  writer.Add("general.architecture", "llama").Add("llama.block_count", "many");
  EXPECT_EQ(Describe(writer).error().message(),
            "metadata 'llama.block_count': expected a non-negative integer below 2^31, found many");
  GgufWriter projector;
  projector.Add("general.architecture", "clip").Add("general.type", "mmproj");
  EXPECT_EQ(Describe(projector).error().code(), Code::kUnsupported);
}

TEST(DescribeModel, HostileHyperParametersDoNotOverflow) {
  for (const char* key :
       {"llama.embedding_length", "llama.attention.head_count", "llama.attention.head_count_kv",
        "llama.attention.key_length", "llama.feed_forward_length", "llama.context_length",
        "llama.expert_count", "llama.nextn_predict_layers", "llama.ssm.inner_size",
        "llama.ssm.state_size"}) {
    GgufWriter writer;
    writer.Add("general.architecture", "llama").Add("llama.block_count", uint32_t{512});
    if (key != std::string("llama.embedding_length")) {
      writer.Add("llama.embedding_length", uint32_t{64});
    }
    if (key != std::string("llama.attention.head_count")) {
      writer.Add("llama.attention.head_count", uint32_t{4});
    }
    writer.Add(key, uint32_t{0x7fffffff});
    const auto model = Describe(writer);
    if (!model) continue;
    (void)Estimate(*model, OneSlot(1u << 28));  // the sanitizers judge
  }
}

TEST(Search, LargestContextIsTheLargest) {
  const auto model = Describe(headroom::testing::KvHeavyModel());
  const uint64_t budget = uint64_t{2} << 30;
  const auto context = LargestContext(*model, OneSlot(0), budget);
  ASSERT_TRUE(context);
  EXPECT_EQ(*context % 256, 0u);
  EXPECT_LE(Estimate(*model, OneSlot(*context))->footprint_bytes, budget);
  EXPECT_GT(Estimate(*model, OneSlot(*context + 256))->footprint_bytes, budget);
  EXPECT_FALSE(LargestContext(*model, OneSlot(0), 1000));
  EXPECT_EQ(LargestContext(*model, OneSlot(0), uint64_t{1} << 40), 1048576u);
}

TEST(Footprint, GrowsWithTheContext) {
  const auto model = Describe(headroom::testing::KvHeavyModel());
  uint64_t last = 0;
  for (uint32_t context = 256; context < 20000; context += 256) {
    const uint64_t bytes = Estimate(*model, OneSlot(context))->footprint_bytes;
    EXPECT_GE(bytes, last) << context;
    last = bytes;
  }
}

TEST(Footprint, JsonHasTheContractsFields) {
  const auto model = Describe(headroom::testing::TinyModel());
  const Json json = ToJson(*model, *Estimate(*model, OneSlot(4096)));
  for (const char* key : {"architecture", "name", "runtime_version", "method", "device_bytes",
                          "host_bytes", "prompt_cache", "context_checkpoints", "runtime",
                          "load_bytes", "footprint_bytes", "file_bytes", "warnings"}) {
    EXPECT_NE(json.Find(key), nullptr) << key;
  }
  for (const char* part : {"weights", "kv_cache", "recurrent_state", "compute", "output"}) {
    EXPECT_NE(json.Find({"device_bytes", part}), nullptr) << part;
  }
}

TEST(GgufFile, ReadsFromDiskAndSaysWhatIsWrong) {
  const std::string path = ::testing::TempDir() + "footprint_test_tiny.gguf";
  ASSERT_TRUE(headroom::testing::TinyModel().WriteTo(path));
  const auto file = ReadGgufFile(path);
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->file_bytes, headroom::testing::TinyModel().FileBytes());
  EXPECT_EQ(::truncate(path.c_str(), static_cast<off_t>(file->file_bytes - 1000)), 0);
  const auto cut = ReadGgufFile(path);
  ASSERT_FALSE(cut);
  EXPECT_NE(cut.error().message().find(path + ": truncated"), std::string::npos);
  std::remove(path.c_str());
  EXPECT_EQ(ReadGgufFile(path).error().code(), Code::kNotFound);
}

}  // namespace
}  // namespace headroom::estimator

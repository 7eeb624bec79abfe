#include "estimator/serving.h"

#include <gtest/gtest.h>

namespace headroom::estimator {
namespace {

ServingOptions Applied(const std::vector<std::string>& args) {
  ServingOptions options;
  const auto applied = ApplyArgs(options, args);
  EXPECT_TRUE(applied) << applied.error().message();
  return options;
}

TEST(ServingArgs, ReadsLongAndShortNames) {
  const ServingOptions o = Applied({"-c",
                                    "8192",
                                    "--parallel=2",
                                    "-kvu",
                                    "-b",
                                    "1024",
                                    "--ubatch-size",
                                    "256",
                                    "-fa",
                                    "off",
                                    "-ctk",
                                    "q8_0",
                                    "--cache-type-v=f16",
                                    "--swa-full",
                                    "--cache-ram",
                                    "512",
                                    "-ctxcp",
                                    "4",
                                    "--load-mode",
                                    "none"});
  EXPECT_EQ(o.context, 8192u);
  EXPECT_EQ(o.parallel, 2u);
  EXPECT_EQ(o.kv_unified, true);
  EXPECT_EQ(o.batch, 1024u);
  EXPECT_EQ(o.ubatch, 256u);
  EXPECT_EQ(o.flash_attention, FlashAttention::kOff);
  EXPECT_EQ(o.cache_type_k, "q8_0");
  EXPECT_EQ(o.cache_type_v, "f16");
  EXPECT_TRUE(o.swa_full);
  EXPECT_EQ(o.prompt_cache_mib, 512u);
  EXPECT_EQ(o.context_checkpoints, 4u);
  EXPECT_EQ(o.load_mode, LoadMode::kNone);
}

TEST(ServingArgs, IgnoresWhatDoesNotConcernMemory) {
  EXPECT_EQ(Applied({"--temp", "0.7", "--jinja", "-ngl", "99", "--alias=-c"}).parallel, 0u);
  EXPECT_EQ(Applied({}), ServingOptions{});
}

TEST(ServingArgs, TakesTheSpecialNumbers) {
  EXPECT_EQ(Applied({"--parallel", "-1"}).Slots(), 4u);
  EXPECT_TRUE(Applied({"-np", "-1"}).Unified());
  EXPECT_FALSE(Applied({"-np", "4"}).Unified());
  EXPECT_EQ(Applied({"-cram", "-1"}).prompt_cache_mib, ServingOptions::kUnlimited);
  EXPECT_EQ(Applied({"-fa"}).flash_attention, FlashAttention::kOn);
  EXPECT_EQ(Applied({"-fa", "--jinja"}).flash_attention, FlashAttention::kOn);
}

TEST(ServingArgs, ErrorsNameFlagAndValue) {
  ServingOptions options;
  EXPECT_EQ(ApplyArgs(options, {"--ctx-size", "x"}).error().message(),
            "extraArgs: --ctx-size: expected a number, got 'x'");
  EXPECT_EQ(ApplyArgs(options, {"-c"}).error().message(), "extraArgs: -c: a value is missing");
  EXPECT_FALSE(ApplyArgs(options, {"-ctk", "q3_K"}));
  EXPECT_FALSE(ApplyArgs(options, {"--parallel", "99999999999"}));
}

TEST(ServingArgs, RefusesWhatLoadsFurtherFiles) {
  for (const char* flag : {"-md", "--model-draft", "--spec-draft-model", "--lora", "--lora-scaled",
                           "--control-vector", "--control-vector-scaled", "-mm", "--mmproj", "-mmu",
                           "--mmproj-url", "--lookup-cache-static"}) {
    ServingOptions options;
    const std::string expected =
        std::string("extraArgs: ") + flag + ": loads memory that is not counted";
    for (const auto& args : {std::vector<std::string>{flag, "x:1"}, {std::string(flag) + "=x:1"}}) {
      const auto applied = ApplyArgs(options, args);
      ASSERT_FALSE(applied) << flag;
      EXPECT_EQ(applied.error().message(), expected);
    }
  }
  for (const char* flag : {"-hfd", "-hf", "-hfr", "--hf-repo", "-hff", "--hf-file", "-mu",
                           "--model-url", "--hf-repo-draft", "--models-dir", "-mv"}) {
    ServingOptions options;
    const auto applied = ApplyArgs(options, {flag, "x"});
    ASSERT_FALSE(applied) << flag;
    EXPECT_TRUE(applied.error().message().starts_with(std::string("extraArgs: ") + flag + ": "))
        << applied.error().message();
  }
}

TEST(ServingArgs, ToArgsReadsBackAsTheSame) {
  ServingOptions o;
  o.context = 4096;
  o.parallel = 3;
  o.kv_unified = false;
  o.cache_type_k = "q8_0";
  o.flash_attention = FlashAttention::kOn;
  o.prompt_cache_mib = ServingOptions::kUnlimited;
  EXPECT_EQ(Applied(ToArgs(o)), o);
}

TEST(Serving, Describes) {
  ServingOptions o;
  o.context = 32768;
  EXPECT_EQ(Describe(o), "ctx 32768, 4 slots unified, f16/f16, FA auto, ubatch 512");
}

}  // namespace
}  // namespace headroom::estimator

// What is loaded beside the model, and what llama-server's other options add.
#include "estimator/companions.h"

#include <gtest/gtest.h>

#include "estimator/gguf/reader.h"
#include "tests/estimator/ground_truth.h"
#include "tests/tools/tiny_models.h"

namespace headroom::estimator {
namespace {

using headroom::testing::GgufWriter;

GgufHeader HeaderOf(const GgufWriter& writer) {
  GgufReader reader;
  EXPECT_TRUE(reader.Feed(writer.Header()));
  return *reader.Finish();
}

ModelFile Tiny() {
  const auto writer = headroom::testing::TinyModel();
  return *DescribeModel({HeaderOf(writer)}, writer.FileBytes());
}

ServingOptions Options() {
  ServingOptions options;
  options.context = 4096;
  options.parallel = 2;
  options.prompt_cache_mib = 0;
  return options;
}

TEST(Companions, AProjectorIsItsTensorsAndAGraph) {
  GgufWriter writer;
  writer.Add("general.architecture", "clip")
      .Add("clip.vision.image_size", uint32_t{336})
      .Add("clip.vision.patch_size", uint32_t{14})
      .Add("clip.vision.embedding_length", uint32_t{1024})
      .Add("clip.vision.feed_forward_length", uint32_t{4096})
      .Add("clip.vision.attention.head_count", uint32_t{16})
      .AddTensor("a", {5}, 0)    // 20 bytes, padded to 32
      .AddTensor("b", {64}, 1);  // 128 bytes
  const auto projector = DescribeProjector({HeaderOf(writer)});
  ASSERT_TRUE(projector);
  EXPECT_EQ(projector->tensors, 160u);
  const uint64_t positions = 24 * 24 + 1;
  EXPECT_GT(projector->compute, 4 * positions * (2 * 4096 + 1024));  // the feed-forward part alone
  EXPECT_LT(projector->compute, 100u << 20);
  EXPECT_FALSE(DescribeProjector({HeaderOf(headroom::testing::TinyModel())}));
}

TEST(Companions, HostileProjectorsDoNotOverflow) {
  GgufWriter writer;
  writer.Add("general.architecture", "clip");
  for (const char* key : {"image_size", "patch_size", "embedding_length", "feed_forward_length",
                          "attention.head_count"}) {
    writer.Add(std::string("clip.vision.") + key, uint32_t{0xffffffff});
    writer.Add(std::string("clip.audio.") + key, uint32_t{0xffffffff});
  }
  EXPECT_TRUE(DescribeProjector({HeaderOf(writer)}));  // the sanitizers judge the rest
}

TEST(Companions, ALoraIsForItsArchitectureOnly) {
  GgufWriter writer;
  writer.Add("general.architecture", "llama")
      .Add("general.type", "adapter")
      .AddTensor("blk.0.attn_q.weight.lora_a", {64, 8}, 0)
      .AddTensor("blk.0.attn_q.weight.lora_b", {8, 64}, 0);
  ModelFile model = Tiny();
  EXPECT_EQ(*LoraBytes({HeaderOf(writer)}, model), 2u * 64 * 8 * 4);
  model.architecture = "qwen3";
  const auto other = LoraBytes({HeaderOf(writer)}, model);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().message(), "the adapter is made for llama, the model is qwen3");
}

TEST(Companions, AControlVectorIsARowForEachLayerButTheFirst) {
  EXPECT_EQ(ControlVectorBytes(Tiny()), 64u * 4);
  EXPECT_EQ(ControlVectorBytes(ModelFile{}), 0u);
}

TEST(Draft, IsAModelWithAContextOfItsOwn) {
  const ModelFile model = Tiny();
  ServingOptions options = Options();
  options.speculative.tokens = 3;
  options.speculative.cache_type_k = options.speculative.cache_type_v = "f32";
  const auto with = Estimate(model, options, model);
  const auto without = Estimate(model, options);
  ASSERT_TRUE(with && without);
  EXPECT_EQ(without->draft, 0u);
  EXPECT_GT(with->draft, model.file_bytes + 2 * without->KvCache());  // f32 against f16
  EXPECT_EQ(with->load_bytes - without->load_bytes, with->draft);
  EXPECT_EQ(with->full_outputs, 2u * 3 * 4 * model.hyper.vocabulary);
  options.speculative.cache_type_k = "q8_0";  // its block does not divide the head size of 16
  const auto refused = Estimate(model, options, model);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().message().starts_with("draft model: "));
}

TEST(Draft, OfTheModelsOwnLayersLoadsThem) {
  GroundTruthModels models;
  const ModelFile& model = models.Get("glm-4.5-air");
  ASSERT_GT(model.tensors.skipped, 0u);
  ServingOptions options = Options();
  options.speculative.own_layers = true;
  options.speculative.tokens = 3;
  const auto footprint = Estimate(model, options);
  ASSERT_TRUE(footprint) << footprint.error().message();
  const uint64_t cache = footprint->KvCache() / model.layers.size();
  EXPECT_GE(footprint->draft, model.tensors.skipped + cache);
  EXPECT_FALSE(Estimate(Tiny(), options));
}

TEST(ServerOptionsInBytes, EachAddsWhatItSays) {
  const ModelFile model = Tiny();
  const uint64_t row = 4 * uint64_t{model.hyper.vocabulary};
  const auto base = Estimate(model, Options());
  ASSERT_TRUE(base);
  EXPECT_EQ(base->Output(), 2 * row);
  EXPECT_EQ(base->full_outputs, 0u);

  ServingOptions options = Options();
  options.expert_cache_mib = 7;
  EXPECT_EQ(Estimate(model, options)->load_bytes, base->load_bytes + (7u << 20));

  options = Options();
  options.backend_sampling = true;
  EXPECT_EQ(Estimate(model, options)->Output(), 2 * (3 * row + 4));

  options = Options();
  options.embeddings = true;  // every token of the physical batch has a row
  const auto embedding = Estimate(model, options);
  EXPECT_EQ(embedding->Output() + embedding->full_outputs,
            512 * (row + 4 * uint64_t{model.hyper.embedding}));

  options = Options();
  options.outputs.mode = Outputs::Mode::kBatch;
  EXPECT_EQ(Estimate(model, options)->full_outputs, 2046 * row);
}

TEST(ServerOptionsInBytes, CheckpointsFollowTheirSpacing) {
  GroundTruthModels models;
  const ModelFile& model = models.Get("gemma-3-4b");
  ServingOptions options = Options();
  options.context = 131072;
  const uint64_t spaced = Estimate(model, options)->context_checkpoints;
  options.checkpoint_min_step = 0;
  EXPECT_GT(Estimate(model, options)->context_checkpoints, spaced);
  options.context_checkpoints = 0;
  EXPECT_EQ(Estimate(model, options)->context_checkpoints, 0u);
}

TEST(ServerOptionsInBytes, AHeadSizeWithoutAKernelIsSaid) {
  ModelFile model = Tiny();
  ServingOptions options = Options();
  for (Layer& layer : model.layers) layer.k_head = layer.v_head = 128;
  EXPECT_TRUE(Estimate(model, options)->warnings.empty());
  for (Layer& layer : model.layers) layer.k_head = layer.v_head = 224;
  const auto odd = Estimate(model, options);
  ASSERT_EQ(odd->warnings.size(), 1u);
  EXPECT_TRUE(odd->warnings[0].starts_with("head size 224: Metal has no flash attention"));
  options.flash_attention = FlashAttention::kOff;
  EXPECT_TRUE(Estimate(model, options)->warnings.empty());
  options.flash_attention = FlashAttention::kOn;
  options.device = Device::kCpu;
  EXPECT_TRUE(Estimate(model, options)->warnings.empty());
}

TEST(ServerOptionsInBytes, APartialOffloadIsSaid) {
  GroundTruthModels models;
  const ModelFile& model = models.Get("llama-3.2-1b");
  ServingOptions options = Options();
  options.gpu_layers = 8;
  const auto some = Estimate(model, options);
  ASSERT_EQ(some->warnings.size(), 1u);
  EXPECT_TRUE(some->warnings[0].starts_with("only 8 of 17 layers are offloaded"));
  options.gpu_layers = 99;
  EXPECT_TRUE(Estimate(model, options)->warnings.empty());
}

}  // namespace
}  // namespace headroom::estimator

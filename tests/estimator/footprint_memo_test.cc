#include "estimator/footprint_memo.h"

#include <gtest/gtest.h>

#include "estimator/gguf/reader.h"
#include "tests/tools/tiny_models.h"

namespace headroom::estimator {
namespace {

ModelFile HeavyModel() {
  const auto writer = headroom::testing::KvHeavyModel();
  GgufReader reader(writer.FileBytes());
  EXPECT_TRUE(reader.Feed(writer.Header()));
  auto header = reader.Finish();
  return DescribeModel({std::move(header.value())}, writer.FileBytes()).value();
}

TEST(FootprintMemo, AnswersAsEstimateDoesAlsoWhenItForgets) {
  const ModelFile model = HeavyModel();
  FootprintMemo memo(model);
  ServingOptions options;
  for (int round = 0; round < 2; ++round) {
    for (uint32_t i = 1; i <= 3 * FootprintMemo::kMost; ++i) {
      options.context = 256 * i;
      options.cache_type_v = "f16";
      EXPECT_EQ(memo.For(options)->footprint_bytes, Estimate(model, options)->footprint_bytes);
      const Result<Footprint>* known = &memo.For(options);
      EXPECT_EQ(&memo.For(options), known);
      options.flash_attention = FlashAttention::kOff;
      options.cache_type_v = "q8_0";  // refused without flash attention
      EXPECT_EQ(memo.For(options).has_value(), Estimate(model, options).has_value());
      options.flash_attention = FlashAttention::kAuto;
    }
  }
}

}  // namespace
}  // namespace headroom::estimator

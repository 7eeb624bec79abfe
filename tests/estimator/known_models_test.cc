// A sample of the ground truth, for every day: some models, each tenth row.
#include <gtest/gtest.h>

#include "estimator/gguf/reader.h"
#include "tests/estimator/ground_truth.h"

namespace headroom::estimator {
namespace {

TEST(KnownModelsSample, WeightsAndCachesAreExact) {
  GroundTruthModels models;
  size_t count = 0;
  ForEachRow("metal-0.6.0", "0.6.0", [&](const GroundTruthRow& row) {
    if (count++ % 10 != 0) return;
    const auto estimate = Estimate(models.Get(row.model), row.options);
    ASSERT_EQ(!estimate, row.refused) << row.where;
    if (row.refused) return;
    EXPECT_EQ(estimate->device.weights, row.device_weights) << row.where;
    EXPECT_EQ(estimate->host.weights, row.host_weights) << row.where;
    EXPECT_EQ(estimate->device.kv_cache + estimate->device.recurrent_state, row.device_context)
        << row.where;
  });
  EXPECT_GT(count, 2000u);
}

TEST(KnownModelsSample, ModelsAreSmallEnoughToCacheThousands) {
  GroundTruthModels models;
  EXPECT_LT(models.Get("llama-3.3-70b").MemoryUse(), 16u << 10);
  EXPECT_EQ(models.Get("llama-3.3-70b").layers.size(), 80u);
}

}  // namespace
}  // namespace headroom::estimator

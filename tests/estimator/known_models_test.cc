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

// A result that says it is exact must be, and llama's always is.
TEST(KnownModelsSample, ExactMeansByteForByte) {
  GroundTruthModels models;
  size_t count = 0, llama = 0;
  ForEachRow("metal-0.6.0", "0.6.0", [&](const GroundTruthRow& row) {
    if (count++ % 10 != 0 || row.refused || !row.model.starts_with("llama-")) return;
    const auto estimate = Estimate(models.Get(row.model), row.options);
    ASSERT_TRUE(estimate) << row.where;
    EXPECT_EQ(estimate->method, Method::kExact) << row.where;
    EXPECT_EQ(estimate->device.compute, row.device_compute) << row.where;
    EXPECT_EQ(estimate->host.compute, row.host_compute) << row.where;
    ++llama;
  });
  EXPECT_GT(llama, 20u);
}

// For a version without a table the nearest one is used, with a margin, and never called exact.
TEST(KnownModelsSample, AnUnknownVersionCarriesAMargin) {
  GroundTruthModels models;
  const ModelFile& model = models.Get("llama-3.2-1b");
  ServingOptions options;
  options.context = 8192;
  options.runtime_version = "0.6.0";
  const auto known = Estimate(model, options);
  options.runtime_version = "0.9.0";
  const auto unknown = Estimate(model, options);
  ASSERT_TRUE(known && unknown);
  EXPECT_EQ(unknown->method, Method::kClosedForm);
  EXPECT_EQ(unknown->device.compute, known->device.compute + known->device.compute / 100 * 14);
  ASSERT_FALSE(unknown->warnings.empty());
}

TEST(KnownModelsSample, ModelsAreSmallEnoughToCacheThousands) {
  GroundTruthModels models;
  EXPECT_LT(models.Get("llama-3.3-70b").MemoryUse(), 16u << 10);
  EXPECT_EQ(models.Get("llama-3.3-70b").layers.size(), 80u);
}

}  // namespace
}  // namespace headroom::estimator

#include "estimator/search.h"

#include <gtest/gtest.h>

#include "estimator/gguf/reader.h"
#include "tests/tools/tiny_models.h"

namespace headroom::estimator {
namespace {

constexpr uint64_t kMiB = 1u << 20;

ModelFile KvHeavy() {
  GgufReader reader;
  const auto writer = headroom::testing::KvHeavyModel();
  EXPECT_TRUE(reader.Feed(writer.Header()));
  return *DescribeModel({*reader.Finish()}, writer.FileBytes());
}

ServingOptions Options() {
  ServingOptions options;
  options.context = 65536;
  options.parallel = 4;
  options.kv_unified = false;
  options.prompt_cache_mib = 0;
  return options;
}

// Counts what a search asks for; 1 ms each is what an allocator replay may take.
struct Counted {
  const ModelFile& model;
  int calls = 0;
  FootprintOf Function() {
    return [this, footprint = FootprintOfModel(model)](const ServingOptions& options) {
      ++calls;
      return footprint(options);
    };
  }
};

TEST(Search, EveryAnswerFitsAndItsSuccessorDoesNot) {
  const ModelFile model = KvHeavy();
  const FootprintOf footprint = FootprintOfModel(model);
  ServingOptions options = Options();
  for (uint64_t budget = 500 * kMiB; budget < 3000 * kMiB; budget += 217 * kMiB) {
    const auto context = LargestContext(model, options, budget);
    ASSERT_TRUE(context) << budget;
    ServingOptions tried = options;
    tried.context = *context;
    EXPECT_LE(*footprint(tried), budget);
    tried.context += 1024;  // four slots: each has another 256
    EXPECT_GT(*footprint(tried), budget);

    const auto slots = MostSlots(footprint, model.hyper.context_train, options, budget);
    if (!slots) continue;
    tried = options;
    tried.parallel = *slots;
    tried.context = 16384 * *slots;
    EXPECT_LE(*footprint(tried), budget);
    tried.parallel += 1;
    tried.context += 16384;
    EXPECT_GT(*footprint(tried), budget);
  }
}

TEST(Search, ALargerBudgetNeverGetsASmallerAnswer) {
  const ModelFile model = KvHeavy();
  const FootprintOf footprint = FootprintOfModel(model);
  Fits last;
  for (uint64_t budget = 200 * kMiB; budget < 4000 * kMiB; budget += 61 * kMiB) {
    const Fits fits = FindFits(model, Options(), budget);
    EXPECT_GE(fits.context.value_or(0), last.context.value_or(0)) << budget;
    EXPECT_GE(fits.slots.value_or(0), last.slots.value_or(0)) << budget;
    EXPECT_GE(fits.ubatch.value_or(0), last.ubatch.value_or(0)) << budget;
    last = fits;
  }
  EXPECT_EQ(last.cache_type, "f16");
  EXPECT_EQ(last.ubatch, 512u);
}

// A footprint that falls now and then, as best-fit allocation does.
TEST(Search, BumpsDoNotBreakIt) {
  const FootprintOf bumpy = [](const ServingOptions& options) -> std::optional<uint64_t> {
    const uint64_t steps = options.context / 256;
    return steps * 1000 - (steps % 5 == 0 ? 1500 : 0);
  };
  uint32_t last = 0;
  for (uint64_t budget = 0; budget < 3'000'000; budget += 377) {
    const uint32_t context = LargestContext(bumpy, 1 << 20, {}, budget).value_or(0);
    EXPECT_GE(context, last) << budget;
    last = context;
    if (context == 0) continue;
    ServingOptions tried;
    tried.context = context;
    EXPECT_LE(*bumpy(tried), budget);
  }
}

TEST(Search, NeedsFewEstimates) {
  ModelFile model = KvHeavy();
  model.hyper.context_train = 1u << 21;
  for (uint64_t budget : {uint64_t{1}, 100 * kMiB, 1000 * kMiB, uint64_t{1} << 40}) {
    Counted counted{model};
    const FootprintOf footprint = counted.Function();
    (void)LargestContext(footprint, model.hyper.context_train, Options(), budget);
    (void)MostSlots(footprint, model.hyper.context_train, Options(), budget);
    (void)LargestUbatch(footprint, Options(), budget);
    (void)WidestCacheType(footprint, Options(), budget);
    EXPECT_LT(counted.calls, kSearchLimit) << budget;
  }
}

TEST(Search, CacheTypesAreNoWiderThanThePresentOnes) {
  const ModelFile model = KvHeavy();
  const FootprintOf footprint = FootprintOfModel(model);
  ServingOptions options = Options();
  const uint64_t f16 = *footprint(options);
  EXPECT_EQ(WidestCacheType(footprint, options, f16), "f16");
  EXPECT_EQ(WidestCacheType(footprint, options, f16 - 1), "q8_0");
  options.cache_type_k = "q8_0";
  EXPECT_EQ(WidestCacheType(footprint, options, f16), "q8_0");
  EXPECT_FALSE(WidestCacheType(footprint, options, kMiB));
}

TEST(Search, NamesTheBestQuantisationBelowThePresentFile) {
  ModelFile model;
  model.tensors.parameters = 8'000'000'000;
  model.file_bytes = 8'500'000'000;  // Q8_0
  EXPECT_EQ(BestQuantisation(model, model.file_bytes)->name, "Q6_K");
  EXPECT_EQ(BestQuantisation(model, 5'000'000'000)->name, "Q4_K_M");
  EXPECT_FALSE(BestQuantisation(model, 1'000'000'000));
}

}  // namespace
}  // namespace headroom::estimator

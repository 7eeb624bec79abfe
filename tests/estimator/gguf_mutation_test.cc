// Mutated headers: no crash, no endless loop, and no more memory than the input justifies. The
// million of it is tests/bench/estimator/mutate.
#include "tests/estimator/gguf_mutation.h"

#include <gtest/gtest.h>

#include "estimator/search.h"
#include "tests/tools/counting_new.h"
#include "tests/tools/tiny_models.h"

namespace headroom::estimator {
namespace {

TEST(GgufMutations, NeverHarmAndNeverTakeMoreMemoryThanTheInputJustifies) {
  const std::string good = headroom::testing::TinyModel().Header();
  headroom::testing::Random random(1);
  size_t read = 0, described = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string bad = headroom::testing::Mutate(good, random);
    const size_t chunk = 1 + random.Below(2 * bad.size() + 1);
    const headroom::testing::AllocationPeak peak;
    const auto header = headroom::testing::ReadAll(bad, chunk);
    // A number of an array takes 8 bytes for 1, a tensor 100 for 33, growing vectors twice that.
    EXPECT_LE(peak.bytes(), 64u * 1024 + 32 * bad.size()) << i;
    if (!header) continue;
    ++read;
    const auto model = DescribeModel({*header}, 0);
    if (!model) continue;
    ++described;
    (void)Estimate(*model, {});
  }
  EXPECT_GT(read, 1000u);  // the mutations are mild enough to reach what comes after the reader
  EXPECT_GT(described, 500u);
}

}  // namespace
}  // namespace headroom::estimator

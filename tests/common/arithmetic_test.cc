#include <gtest/gtest.h>

#include "common/backoff.h"
#include "common/checked.h"
#include "common/result.h"

namespace headroom {
namespace {

using std::chrono::milliseconds;

TEST(Checked, ReportsOverflow) {
  EXPECT_EQ(CheckedAdd(1, 2), 3u);
  EXPECT_EQ(CheckedAdd(UINT64_MAX, 1), std::nullopt);
  EXPECT_EQ(CheckedMul(1u << 31, 4), uint64_t{1} << 33);
  EXPECT_EQ(CheckedMul(uint64_t{1} << 32, uint64_t{1} << 32), std::nullopt);
}

TEST(Checked, RoundsUpAndSaturates) {
  EXPECT_EQ(PadUp(0, 256), 0u);
  EXPECT_EQ(PadUp(1, 256), 256u);
  EXPECT_EQ(PadUp(256, 256), 256u);
  EXPECT_EQ(PadUp(UINT64_MAX, 256), UINT64_MAX - 255);
  EXPECT_EQ(CeilDiv(0, 7), 0u);
  EXPECT_EQ(CeilDiv(8, 7), 2u);
  EXPECT_EQ(CeilDiv(UINT64_MAX, 1), UINT64_MAX);
  EXPECT_EQ(SaturatingSub(5, 3), 2u);
  EXPECT_EQ(SaturatingSub(3, 5), 0u);
}

TEST(Backoff, DoublesUpToItsMaximumAndResets) {
  Backoff backoff(milliseconds(100), milliseconds(350));
  EXPECT_EQ(backoff.Next(0), milliseconds(100));
  EXPECT_EQ(backoff.Next(0), milliseconds(200));
  EXPECT_EQ(backoff.Next(0), milliseconds(350));
  EXPECT_EQ(backoff.Next(0.5), milliseconds(525));
  backoff.Reset();
  EXPECT_EQ(backoff.Next(0), milliseconds(100));
}

TEST(Result, NamesItsSubjectAndThrowsWhenUnchecked) {
  const Error error = Error(Code::kInvalid, "type 99 is unknown").Within("tensor 12");
  EXPECT_EQ(error.Within("model.gguf").message(), "model.gguf: tensor 12: type 99 is unknown");
  EXPECT_EQ(error.code(), Code::kInvalid);
  const Result<int> result = error;
  EXPECT_THROW(result.value(), std::logic_error);
  EXPECT_EQ(ToString(Code::kTooLarge), "too large");
}

}  // namespace
}  // namespace headroom

#include "webhook/service.h"

#include <gtest/gtest.h>

namespace headroom::webhook {
namespace {

using namespace std::chrono_literals;

TEST(AnswerTime, IsASecondBeforeTheApiServerGivesUp) {
  EXPECT_EQ(AnswerTime("5s"), 4s);
  EXPECT_EQ(AnswerTime("10s"), 8s);  // a person waits
  EXPECT_EQ(AnswerTime("30s"), 8s);
  EXPECT_EQ(AnswerTime("1s"), 500ms);
  for (const char* odd : {"", "x", "-3s", "0s"}) EXPECT_EQ(AnswerTime(odd), 8s) << odd;
}

}  // namespace
}  // namespace headroom::webhook

#include <gtest/gtest.h>

#include "exporter/models/load_gate.h"

namespace headroom::exporter {
namespace {

TEST(LoadGate, GrantsOneAtATimeInOrder) {
  LoadGate gate;
  EXPECT_TRUE(gate.Acquire("a"));
  EXPECT_TRUE(gate.Acquire("a"));
  EXPECT_FALSE(gate.Acquire("b"));
  EXPECT_FALSE(gate.Acquire("b"));
  EXPECT_FALSE(gate.Acquire("c"));
  EXPECT_EQ(gate.Release("b"), std::nullopt) << "gave up waiting";
  EXPECT_EQ(gate.Release("a"), "c");
  EXPECT_EQ(gate.Release("a"), std::nullopt);
  EXPECT_EQ(gate.Release("c"), std::nullopt);
  gate.Hold("x");
  gate.Hold("y");
  EXPECT_FALSE(gate.Acquire("d"));
  EXPECT_EQ(gate.Release("x"), std::nullopt);
  EXPECT_EQ(gate.Release("y"), "d");
}

}  // namespace
}  // namespace headroom::exporter

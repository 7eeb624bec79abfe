// The replay of ggml's allocator and the reader of graph tables.
#include <gtest/gtest.h>

#include "estimator/graph/arena.h"
#include "estimator/graph/compute_graphs.h"
#include "estimator/graph/table.h"

namespace headroom::estimator {
namespace {

TEST(Arena, PadsTo32AndGrowsAtTheEnd) {
  Arena arena;
  EXPECT_EQ(arena.Allocate(1), 0u);
  EXPECT_EQ(arena.Allocate(33), 32u);
  EXPECT_EQ(arena.peak(), 96u);
}

TEST(Arena, TakesTheSmallestBlockAndOfEqualOnesTheLast) {
  Arena arena;
  const uint64_t a = arena.Allocate(64);
  arena.Allocate(32);
  const uint64_t b = arena.Allocate(64);
  arena.Allocate(32);
  const uint64_t c = arena.Allocate(128);
  arena.Allocate(32);
  for (const auto& [offset, size] : {std::pair(a, 64), {b, 64}, {c, 128}}) {
    arena.Release(offset, static_cast<uint64_t>(size));
  }
  EXPECT_EQ(arena.Allocate(64), b);
  EXPECT_EQ(arena.Allocate(64), a);
  EXPECT_EQ(arena.Allocate(64), c);
}

TEST(Arena, JoinsNeighbours) {
  Arena arena;
  const uint64_t a = arena.Allocate(32), b = arena.Allocate(32), c = arena.Allocate(32);
  arena.Allocate(32);
  arena.Release(a, 32);
  arena.Release(c, 32);
  arena.Release(b, 32);
  EXPECT_EQ(arena.Allocate(96), a);
  EXPECT_EQ(arena.peak(), 128u);
}

TEST(GraphTable, BothVersionsAreCompiledIn) {
  size_t bytes = 0;
  for (const char* version : {"0.5.0", "0.6.0"}) {
    const std::string_view file = GraphTableOf(version);
    bytes += file.size();
    const auto table = ReadGraphTable(file, "llama", {}, {});
    ASSERT_TRUE(table) << table.error().message();
    EXPECT_FALSE(table->same_structure);  // of an empty structure there is none
    EXPECT_FALSE(table->graphs.empty());
    EXPECT_FALSE(ReadGraphTable(file, "no such architecture", {}, {}));
  }
  EXPECT_LE(bytes, 2u << 20);
  EXPECT_TRUE(GraphTableOf("0.1.0").empty());
}

TEST(GraphTable, DamageIsAnError) {
  const std::string_view file = GraphTableOf("0.6.0");
  const size_t llama = file.find("llama");
  ASSERT_NE(llama, std::string_view::npos);
  for (size_t length = 0; length < llama; length += 1 + llama / 97) {
    EXPECT_FALSE(ReadGraphTable(file.substr(0, length), "llama", {}, {})) << length;
  }
  std::string damaged(file);
  damaged[0] = 'X';
  const auto table = ReadGraphTable(damaged, "llama", {}, {});
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().code(), Code::kInvalid);
}

}  // namespace
}  // namespace headroom::estimator

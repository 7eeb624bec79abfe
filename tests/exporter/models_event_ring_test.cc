#include <gtest/gtest.h>

#include "exporter/models/event_ring.h"

namespace headroom::exporter {
namespace {

const WallTime kStart = *ParseRfc3339("2026-01-02T03:04:05Z");

TEST(EventRing, KeepsTheLastOnesAndCountsRepetitions) {
  EventRing ring;
  for (int i = 0; i < 10; ++i) {
    ring.Add({false, "Loading", "try " + std::to_string(i)}, kStart + std::chrono::seconds(i));
  }
  ring.Add({true, "BackOff", "exit status 1\nlast lines of the log"},
           kStart + std::chrono::seconds(20));
  ring.Add({true, "BackOff", "exit status 1\nother lines"}, kStart + std::chrono::seconds(30));
  ASSERT_EQ(ring.entries().size(), EventRing::kKept);
  EXPECT_EQ(ring.entries().front().text.message, "try 3");
  EXPECT_EQ(ring.entries().back().count, 2);
  const Json json = ToJson(ring);
  EXPECT_EQ(WriteJson(json.AsArray()->back()),
            R"({"time":"2026-01-02T03:04:35Z","count":2,"warning":true,"reason":"BackOff",)"
            R"("message":"exit status 1"})");
}

TEST(EventRing, CutsMessagesBetweenCharacters) {
  EventRing ring;
  std::string text = "a";
  for (int i = 0; i < 200; ++i) text += "é";
  ring.Add({false, "Failed", text}, kStart);
  EXPECT_EQ(ring.entries().front().text.message.size(), 239u);
}

}  // namespace
}  // namespace headroom::exporter

#include "kube/watch_frames.h"

#include <gtest/gtest.h>

namespace headroom::kube {
namespace {

std::vector<std::string> FeedInPieces(std::string_view stream, size_t piece) {
  WatchFrames frames;
  std::vector<std::string> lines;
  for (size_t at = 0; at < stream.size(); at += piece) {
    EXPECT_TRUE(frames.Feed(stream.substr(at, piece), [&lines](std::string_view line) {
      lines.emplace_back(line);
      return Result<void>();
    }));
  }
  EXPECT_EQ(frames.pending(), 0u);
  return lines;
}

TEST(WatchFrames, AnySplitGivesTheSameLines) {
  constexpr std::string_view kStream = "{\"a\":1}\n\n{\"b\":\"x\\ny\"}\r\n{\"c\":3}\n";
  const auto whole = FeedInPieces(kStream, kStream.size());
  ASSERT_EQ(whole.size(), 3u);
  EXPECT_EQ(whole[2], "{\"c\":3}");
  for (size_t piece = 1; piece < kStream.size(); ++piece) {
    EXPECT_EQ(FeedInPieces(kStream, piece), whole) << piece;
  }
}

TEST(WatchFrames, ShowsThatAStreamWasCut) {
  WatchFrames frames;
  int lines = 0;
  const auto count = [&lines](std::string_view) {
    ++lines;
    return Result<void>();
  };
  ASSERT_TRUE(frames.Feed("{\"type\":\"ADD", count));
  EXPECT_EQ(frames.pending(), 12u);
  EXPECT_EQ(lines, 0);
}

TEST(WatchFrames, CapsALine) {
  WatchFrames frames(8);
  const auto ignore = [](std::string_view) { return Result<void>(); };
  ASSERT_TRUE(frames.Feed("12345678\n12345", ignore));
  const auto fed = frames.Feed("6789", ignore);
  ASSERT_FALSE(fed);
  EXPECT_EQ(fed.error().code(), Code::kTooLarge);
}

TEST(WatchFrames, StopsAtTheHandlersError) {
  WatchFrames frames;
  int lines = 0;
  const auto fed = frames.Feed("1\n2\n", [&lines](std::string_view) -> Result<void> {
    ++lines;
    return Error(Code::kConflict, "stop");
  });
  ASSERT_FALSE(fed);
  EXPECT_EQ(fed.error().code(), Code::kConflict);
  EXPECT_EQ(lines, 1);
}

TEST(WatchEvent, DecodesTypeAndObject) {
  const auto event = DecodeWatchEvent(R"({"type":"ADDED","object":{"metadata":{"name":"n"}}})");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->type, "ADDED");
  EXPECT_EQ(StringOr(event->object, {"metadata", "name"}), "n");
}

TEST(DecodeWatchEvent, KeepsTheFieldsOfTheObjectThatAreAskedFor) {
  const JsonFields fields = WatchFields({"spec.source"});
  const auto event = DecodeWatchEvent(
      R"({"type":"ADDED","object":{"metadata":{"name":"n","resourceVersion":"7","managedFields":[{}]},)"
      R"("spec":{"source":"s","notes":{"a":[1]}}}})",
      &fields);
  ASSERT_TRUE(event);
  EXPECT_EQ(WriteJson(event->object),
            R"({"metadata":{"name":"n","resourceVersion":"7"},"spec":{"source":"s"}})");
  const auto gone = DecodeWatchEvent(
      R"({"type":"ERROR","object":{"kind":"Status","message":"too old","code":410}})", &fields);
  EXPECT_EQ(gone.error().code(), Code::kGone);
  EXPECT_EQ(gone.error().message(), "too old");
}

TEST(WatchEvent, AnErrorEventIsAnError) {
  const auto gone = DecodeWatchEvent(
      R"({"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}})");
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code(), Code::kGone);
  EXPECT_EQ(gone.error().message(), "too old");
}

TEST(WatchEvent, RefusesOtherShapes) {
  for (const char* line : {"", "{", "[]", "null", "{\"type\":\"ADDED\"}", "{\"object\":{}}",
                           R"({"type":1,"object":{}})", R"({"type":"ADDED","object":[]})"}) {
    EXPECT_FALSE(DecodeWatchEvent(line)) << line;
  }
}

}  // namespace
}  // namespace headroom::kube

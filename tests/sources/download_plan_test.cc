#include "sources/download_plan.h"

#include <gtest/gtest.h>

namespace headroom::sources {
namespace {

using Do = DownloadStart::Do;
using namespace std::chrono_literals;

const std::string kSum(64, 'a'), kOther(64, 'b');

StoredFile::Piece Piece(uint64_t bytes, const char* etag = "\"v1\"", std::string sha256 = "") {
  return {bytes, DownloadRecord{etag, 1000, std::move(sha256)}};
}

TEST(DownloadPlan, DecidesFromWhatLiesThere) {
  const struct {
    const char* name;
    StoredFile stored;
    std::string expected;
    Do what;
    uint64_t from;
  } cases[] = {
      {"nothing", {}, "", Do::kRequest, 0},
      {"whole, no sum asked", {Piece(1000), {}}, "", Do::kUse, 0},
      {"whole, sum known", {Piece(1000, "", kSum), {}}, kSum, Do::kUse, 0},
      {"whole, sum not taken", {Piece(1000), {}}, kSum, Do::kVerifyWhole, 0},
      {"whole without record", {StoredFile::Piece{1000, {}}, {}}, kSum, Do::kVerifyWhole, 0},
      {"whole, another sum", {Piece(1000, "", kOther), {}}, kSum, Do::kRequest, 0},
      {"replacement begun", {Piece(1000, "", kOther), Piece(10)}, kSum, Do::kRequest, 10},
      {"half", {{}, Piece(500)}, "", Do::kRequest, 500},
      {"half, weak tag", {{}, Piece(500, "W/\"v1\"")}, "", Do::kRequest, 0},
      {"half, no tag", {{}, Piece(500, "")}, "", Do::kRequest, 0},
      {"half, no record", {{}, StoredFile::Piece{500, {}}}, "", Do::kRequest, 0},
      {"all of it", {{}, Piece(1000)}, "", Do::kVerifyPartial, 0},
      {"more than all", {{}, Piece(1001)}, "", Do::kRequest, 0},
      {"empty", {{}, Piece(0)}, "", Do::kRequest, 0},
  };
  for (const auto& c : cases) {
    const auto start = PlanDownload(c.stored, c.expected);
    EXPECT_EQ(start.what, c.what) << c.name;
    EXPECT_EQ(start.resume_from, c.from) << c.name;
    EXPECT_EQ(start.RequestHeaders().fields().size(), c.from > 0 ? 2u : 0u) << c.name;
  }
}

net::HttpResponse Whole(const char* bytes, const char* etag = "\"v1\"") {
  return {200, {{"Content-Length", bytes}, {"ETag", etag}}, ""};
}
net::HttpResponse Part(const char* range, const char* etag = "\"v1\"") {
  return {206, {{"Content-Range", range}, {"ETag", etag}}, ""};
}

TEST(DownloadPlan, DecidesFromTheAnswer) {
  const StoredFile half{{}, Piece(500)};
  const DownloadStart resume = PlanDownload(half, ""), fresh;
  const struct {
    const char* name;
    net::HttpResponse head;
    bool resumed;
    std::optional<Code> error;
    uint64_t from;
  } cases[] = {
      {"whole", Whole("1000"), false, {}, 0},
      {"whole although resumed", Whole("900", "\"v2\""), true, {}, 0},
      {"the rest", Part("bytes 500-999/1000"), true, {}, 500},
      {"the rest of another", Part("bytes 500-999/1000", "\"v2\""), true, Code::kConflict, 0},
      {"another length", Part("bytes 500-1099/1100"), true, Code::kConflict, 0},
      {"less than the rest", Part("bytes 500-599/1000"), true, Code::kConflict, 0},
      {"another range", Part("bytes 0-999/1000"), true, Code::kInvalid, 0},
      {"total unknown", Part("bytes 500-999/*"), true, Code::kInvalid, 0},
      {"no length", {200, {}, ""}, false, Code::kInvalid, 0},
      {"empty", Whole("0"), false, Code::kInvalid, 0},
      {"part unasked", Part("bytes 0-99/1000"), false, Code::kInvalid, 0},
      {"shorter now", {416, {}, ""}, true, Code::kConflict, 0},
      {"too large", Whole("5001"), false, Code::kTooLarge, 0},
      {"no room", Whole("4000"), false, Code::kIo, 0},
  };
  DiskLimits limits;
  limits.free_bytes = 2000;
  limits.reserve_bytes = 900;
  limits.max_file_bytes = 5000;
  for (const auto& c : cases) {
    const auto body =
        PlanBody(c.head, c.resumed ? resume : fresh, c.resumed ? half : StoredFile{}, limits);
    ASSERT_EQ(body.has_value(), !c.error) << c.name;
    if (body) {
      EXPECT_EQ(body->from, c.from) << c.name;
    } else {
      EXPECT_EQ(body.error().code(), *c.error) << c.name << ": " << body.error().message();
    }
  }
}

// What is there already, or is about to be thrown away, needs no new room.
TEST(DownloadPlan, CountsOnlyTheMissingBytesAgainstTheDisk) {
  const StoredFile half{{}, Piece(500)};
  const DownloadStart resume = PlanDownload(half, "");
  DiskLimits limits;
  limits.free_bytes = 500;
  EXPECT_TRUE(PlanBody(Part("bytes 500-999/1000"), resume, half, limits));
  EXPECT_TRUE(PlanBody(Whole("1000", "\"v2\""), resume, half, limits));
  EXPECT_FALSE(PlanBody(Whole("1001", "\"v2\""), resume, half, limits));
}

TEST(DownloadPlan, RecordsSurviveAndJunkIsNoRecord) {
  const DownloadRecord record{"\"a\\b\"", 1ull << 40, kSum};
  EXPECT_EQ(ParseRecord(FormatRecord(record)), record);
  for (const char* junk : {"", "{", "[]", "{}", R"({"etag":1,"bytes":2,"sha256":""})",
                           R"({"etag":"","bytes":-2,"sha256":""})"}) {
    EXPECT_FALSE(ParseRecord(junk)) << junk;
  }
}

TEST(DownloadPlan, ReadsSums) {
  EXPECT_EQ(*NormaliseSha256(""), "");
  EXPECT_EQ(*NormaliseSha256(std::string(64, 'A')), kSum);
  EXPECT_FALSE(NormaliseSha256("abc"));
  EXPECT_FALSE(NormaliseSha256(std::string(64, 'g')));
}

TEST(RateFloor, JudgesWholeWindows) {
  const SteadyTime t0{};
  RateFloor rate(t0, 10s, 100);
  EXPECT_TRUE(rate.Add(1, t0 + 9s));
  EXPECT_TRUE(rate.Add(99, t0 + 10s));
  EXPECT_TRUE(rate.Add(99, t0 + 19s));
  EXPECT_FALSE(rate.Add(0, t0 + 20s));
}

}  // namespace
}  // namespace headroom::sources

#include "webhook/service.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>

#include "webhook/access_log.h"
#include "webhook/line_writer.h"

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

TEST(AccessLine, TellsWhatBecameOfAReviewAndWhereItsTimeWent) {
  const SteadyTime start{1000s};
  net::HttpRequest request{"POST", "/validate?timeout=10s", {}, "12345"};
  const net::RequestContext context{"10.0.0.1:4711", start, start + 2ms};
  const Phases phases{start + 2500us, start + 2750us, start + 2800us};
  Review review;
  review.uid = "u1";
  review.operation = "CREATE";
  review.kind = "Model";
  review.ns = "team-a";
  review.name = "llama";
  review.user = "jane";
  Decision decision;
  decision.outcome = Decision::Outcome::kDenied;
  decision.rule = "HR-101";
  decision.detail = "needs \"more\"";
  const WallTime now = *ParseRfc3339("2026-01-02T03:04:05Z");
  EXPECT_EQ(AccessLine(now, request, context, 200, phases, &review, &decision),
            R"({"time":"2026-01-02T03:04:05.000000Z","peer":"10.0.0.1:4711",)"
            R"("target":"/validate?timeout=10s","bytes":5,"status":200,"uid":"u1",)"
            R"("operation":"CREATE","kind":"Model","namespace":"team-a","name":"llama",)"
            R"("user":"jane","dryRun":false,"decision":"denied","rule":"HR-101",)"
            R"("detail":"needs \"more\"","milliseconds":{"read":2.0,"parse":0.5,"decide":0.25,)"
            R"("encode":0.05}})");
  const Phases none{start + 2ms, start + 2ms, start + 2ms};
  EXPECT_EQ(AccessLine(now, request, context, 503, none, nullptr, nullptr),
            R"({"time":"2026-01-02T03:04:05.000000Z","peer":"10.0.0.1:4711",)"
            R"("target":"/validate?timeout=10s","bytes":5,"status":503,)"
            R"("milliseconds":{"read":2.0,"parse":0.0,"decide":0.0,"encode":0.0}})");
}

TEST(LineWriter, WritesTheLinesOfATurnTogetherAndTheRestAtItsEnd) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const auto read_all = [&ends] {
    char text[64];
    const ssize_t n = read(ends[0], text, sizeof text);
    return std::string(text, n > 0 ? static_cast<size_t>(n) : 0);
  };
  boost::asio::io_context io(1);
  {
    LineWriter writer(io.get_executor(), ends[1]);
    writer.Add("one");
    writer.Add("two");
    EXPECT_EQ(io.run(), 1u);
    EXPECT_EQ(read_all(), "one\ntwo\n");
    writer.Add("three");
  }
  EXPECT_EQ(read_all(), "three\n");
  io.restart();
  io.run();
  close(ends[1]);
  EXPECT_EQ(read_all(), "");
  close(ends[0]);
}

}  // namespace
}  // namespace headroom::webhook

#include "webhook/page/recent.h"

#include <gmock/gmock.h>

#include "webhook/page/page.h"

namespace headroom::webhook {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const WallTime kNow = *ParseRfc3339("2026-01-02T03:04:05Z");

Review MakeReview(const std::string& name) {
  Review review;
  review.operation = "CREATE";
  review.kind = "Model";
  review.ns = "team-a";
  review.name = name;
  review.user = "jane";
  return review;
}

Decision Denied() {
  Decision decision;
  decision.outcome = Decision::Outcome::kDenied;
  decision.answer.allowed = false;
  decision.rule = "HR-101";
  decision.verdict.emplace().candidates = {{.node = "mac-1", .need = 3ull << 30}};
  return decision;
}

Decision Allowed() {
  Decision decision;
  decision.outcome = Decision::Outcome::kAllowed;
  return decision;
}

TEST(RecentDecisions, KeepsTheLastOnesNewestFirst) {
  RecentDecisions recent;
  EXPECT_TRUE(recent.NewestFirst().empty());
  const size_t count = RecentDecisions::kKept + 5;
  for (size_t i = 0; i < count; ++i) {
    recent.Note(MakeReview("m" + std::to_string(i)), i % 2 == 0 ? Denied() : Allowed(), 0.001,
                kNow);
    const auto entries = recent.NewestFirst();
    ASSERT_EQ(entries.size(), std::min(i + 1, RecentDecisions::kKept));
    EXPECT_EQ(entries.front()->name, "m" + std::to_string(i));
  }
  const auto entries = recent.NewestFirst();
  EXPECT_EQ(entries.back()->name, "m5");
  EXPECT_EQ(entries.front()->rule, "HR-101");
  EXPECT_EQ(entries[1]->rule, "") << "nothing is left of what was in its place before";
  EXPECT_EQ(recent.allowed() + recent.denied(), count);
}

TEST(RecentDecisions, OnlyCountsWhatPasses) {
  RecentDecisions recent;
  recent.Note(MakeReview("a"), Decision{}, 0, kNow);
  EXPECT_EQ(recent.passed(), 1u);
  EXPECT_TRUE(recent.NewestFirst().empty());
}

TEST(RecentDecisions, AreJson) {
  RecentDecisions recent;
  recent.Note(MakeReview("big"), Denied(), 0.0002504, kNow);
  Review generated = MakeReview("");
  generated.object = ParseJson(R"({"metadata": {"generateName": "chat-"}})").value();
  generated.dry_run = true;
  recent.Note(generated, Allowed(), 0.001, kNow);
  EXPECT_EQ(
      WriteJson(ToJson(recent)),
      R"({"version":")" HEADROOM_VERSION R"(","allowed":1,"denied":1,"passed":0,"decisions":[)"
      R"({"time":"2026-01-02T03:04:05Z","operation":"CREATE","kind":"Model","namespace":"team-a",)"
      R"("name":"chat-*","decision":"allowed","dryRun":true,"rule":null,"node":null,)"
      R"("footprintBytes":null,"milliseconds":1.0},)"
      R"({"time":"2026-01-02T03:04:05Z","operation":"CREATE","kind":"Model","namespace":"team-a",)"
      R"("name":"big","decision":"denied","dryRun":false,"rule":"HR-101","node":"mac-1",)"
      R"("footprintBytes":3221225472,"milliseconds":0.25}]})");
}

TEST(RecentDecisions, AreTextThatATerminalCanTake) {
  RecentDecisions recent;
  recent.Note(MakeReview("big"), Denied(), 0.0002504, kNow);
  recent.Note(MakeReview("x\x1b[2J\n" + std::string(500, 'y')), Allowed(), 0, kNow);
  const std::string text = ToText(recent);
  EXPECT_THAT(text, HasSubstr("1 allowed, 1 denied, 0 passed without being judged."));
  EXPECT_THAT(text, HasSubstr("\n2026-01-02T03:04:05Z  denied    HR-101  3.0 GiB    0.250    mac-1"
                              "  CREATE Model team-a/big\n"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr(std::string(300, 'y'))));
}

TEST(ShowPage, GivesABrowserHtmlAndEverybodyElseText) {
  const RecentDecisions recent;
  const auto type = [&](const std::string& path, const std::string& accept) {
    net::HttpRequest request;
    if (!accept.empty()) request.headers.Set("Accept", accept);
    const auto response = ShowPage(request, path, recent);
    return response ? std::string(*response->headers.Find("Content-Type")) : "";
  };
  EXPECT_EQ(type("/", "text/html,application/xhtml+xml;q=0.9"), "text/html; charset=utf-8");
  EXPECT_EQ(type("/", "*/*"), "text/plain; charset=utf-8");
  EXPECT_EQ(type("/", ""), "text/plain; charset=utf-8");
  EXPECT_EQ(type("/v1/decisions", ""), "application/json");
  EXPECT_EQ(type("/page.css", ""), "text/css; charset=utf-8");
  EXPECT_EQ(type("/decisions.js", ""), "text/javascript; charset=utf-8");
  EXPECT_EQ(type("/validate", ""), "");
  EXPECT_EQ(type("/page.html", ""), "");
}

}  // namespace
}  // namespace headroom::webhook

#include "webhook/header_table.h"

#include <gtest/gtest.h>

#include "tests/webhook/objects.h"

namespace headroom::webhook {
namespace {

using namespace testing;
using namespace std::chrono_literals;
using State = HeaderState::Kind;

const SteadyTime kStart{};

HeaderNeed Need(const std::string& source, const std::string& node = "") {
  return {*sources::ParseSource(source), node, {"127.0.0.1:1", {}}};
}

TEST(HeaderTable, OneFetchThenAnAnswerUntilItExpires) {
  HeaderTable table;
  const HeaderNeed need = Need("https://h/a.gguf");
  EXPECT_EQ(table.Find(need, kStart).kind, State::kMissing);
  EXPECT_TRUE(table.Begin(need, kStart));
  EXPECT_FALSE(table.Begin(need, kStart));
  EXPECT_EQ(table.Find(need, kStart).kind, State::kPending);
  table.Finish(need, HeaderOf(headroom::testing::TinyModel()), kStart);
  EXPECT_EQ(table.Find(need, kStart + 599s).kind, State::kReady);
  EXPECT_FALSE(table.Begin(need, kStart + 599s));
  EXPECT_EQ(table.Find(need, kStart + 600s).kind, State::kMissing);
  EXPECT_TRUE(table.Begin(need, kStart + 600s));
  EXPECT_EQ(table.in_flight(), 1u);
  table.Abandon(need);
  EXPECT_EQ(table.in_flight(), 0u);
  EXPECT_EQ(table.Find(need, kStart + 600s).kind, State::kMissing);
}

TEST(HeaderTable, FailuresAreRememberedForAShortTime) {
  HeaderTable table;
  const HeaderNeed remote = Need("https://h/a.gguf"), local = Need("/m/a.gguf", "mac-1");
  for (const HeaderNeed& need : {remote, local}) {
    table.Begin(need, kStart);
    table.Finish(need, Error(Code::kTimeout, "the host did not answer in time"), kStart);
  }
  EXPECT_EQ(table.Find(remote, kStart + 29s).reason, "the host did not answer in time");
  EXPECT_EQ(table.Find(remote, kStart + 30s).kind, State::kMissing);
  EXPECT_EQ(table.Find(local, kStart + 4s).kind, State::kFailed);
  EXPECT_EQ(table.Find(local, kStart + 5s).kind, State::kMissing);
}

TEST(HeaderTable, AnExpiredHeaderIsAskedAboutByItsRevision) {
  HeaderTable table;
  const HeaderNeed need = Need("https://h/a.gguf");
  EXPECT_EQ(table.KnownRevision(need), "");
  auto header = HeaderOf(headroom::testing::TinyModel());
  header.revision = "\"v1\"";
  table.Begin(need, kStart);
  table.Finish(need, header, kStart);
  ASSERT_TRUE(table.Begin(need, kStart + 600s));
  EXPECT_EQ(table.KnownRevision(need), "\"v1\"");
  sources::ModelHeader same;
  same.unchanged = true;
  table.Finish(need, same, kStart + 601s);
  EXPECT_EQ(table.Find(need, kStart + 1200s).kind, State::kReady);
  EXPECT_EQ(table.Find(need, kStart + 1200s).header->model.name, header.model.name);
  // The host is away: what was known of the file goes on for a moment, a wrong URL does not.
  ASSERT_TRUE(table.Begin(need, kStart + 1201s));
  table.Finish(need, Error(Code::kTimeout, "slow"), kStart + 1201s);
  EXPECT_EQ(table.Find(need, kStart + 1230s).kind, State::kReady);
  ASSERT_TRUE(table.Begin(need, kStart + 1231s));
  table.Finish(need, Error(Code::kNotFound, "no such file"), kStart + 1231s);
  EXPECT_EQ(table.Find(need, kStart + 1240s).reason, "no such file");
  EXPECT_EQ(table.KnownRevision(need), "");
  // "Unchanged" without anything known is no answer.
  ASSERT_TRUE(table.Begin(need, kStart + 1300s));
  table.Finish(need, same, kStart + 1300s);
  EXPECT_EQ(table.Find(need, kStart + 1300s).kind, State::kFailed);
  // A node that is away may have another file by now.
  const HeaderNeed local = Need("/m/a.gguf", "mac-1");
  table.Begin(local, kStart);
  table.Finish(local, header, kStart);
  table.Begin(local, kStart + 60s);
  table.Finish(local, Error(Code::kUnavailable, "away"), kStart + 60s);
  EXPECT_EQ(table.Find(local, kStart + 61s).kind, State::kFailed);
}

TEST(HeaderTable, OneHostTakesNotAllPlaces) {
  HeaderTable table({.max_in_flight = 3, .max_in_flight_a_host = 2});
  EXPECT_TRUE(table.Begin(Need("https://slow/a"), kStart));
  EXPECT_TRUE(table.Begin(Need("https://slow/b"), kStart));
  EXPECT_FALSE(table.Begin(Need("https://slow/c"), kStart));
  EXPECT_FALSE(table.HasPlace(Need("https://slow/c")));
  EXPECT_TRUE(table.HasPlace(Need("https://slow:8443/c"))) << "another host";
  EXPECT_TRUE(table.Begin(Need("/m/a.gguf", "mac-1"), kStart));
  EXPECT_FALSE(table.Begin(Need("https://fast/a"), kStart)) << "all places are taken";
  table.Abandon(Need("https://slow/a"));
  EXPECT_TRUE(table.Begin(Need("https://slow/c"), kStart));
  EXPECT_EQ(table.in_flight(), 3u);
}

TEST(HeaderTable, ACopyInANodesStoreIsThatNodesAnswer) {
  const HeaderNeed host = Need("hf://o/r/a.gguf"), copy = Need("hf://o/r/a.gguf", "mac-1");
  EXPECT_NE(host.Key(), copy.Key());
  EXPECT_EQ(host.Host(), "huggingface.co");
  EXPECT_EQ(copy.Host(), "mac-1");
}

TEST(HeaderTable, TheSamePathOnTwoNodesIsTwoFiles) {
  EXPECT_NE(Need("/m/a.gguf", "mac-1").Key(), Need("/m/a.gguf", "mac-2").Key());
  EXPECT_EQ(Need("file:///m/a.gguf", "mac-1").Key(), Need("/m//a.gguf", "mac-1").Key());
  EXPECT_EQ(Need("hf://o/r/a.gguf").Key(),
            Need("https://huggingface.co/o/r/resolve/main/a.gguf").Key());
}

TEST(HeaderTable, DropsTheLongestUnused) {
  HeaderTable table({.max_entries = 2});
  const HeaderNeed a = Need("https://h/a"), b = Need("https://h/b"), c = Need("https://h/c");
  for (const auto& [need, at] : {std::pair(a, 1s), std::pair(b, 2s)}) {
    table.Begin(need, kStart + at);
    table.Finish(need, HeaderOf(headroom::testing::TinyModel()), kStart + at);
  }
  table.Find(a, kStart + 3s);
  table.Begin(c, kStart + 4s);
  table.Finish(c, HeaderOf(headroom::testing::TinyModel()), kStart + 4s);
  EXPECT_EQ(table.size(), 2u);
  EXPECT_EQ(table.Find(a, kStart + 5s).kind, State::kReady);
  EXPECT_EQ(table.Find(b, kStart + 5s).kind, State::kMissing);
}

}  // namespace
}  // namespace headroom::webhook

#include <gmock/gmock.h>

#include <sstream>

#include "cli/output/format.h"
#include "cli/output/progress.h"
#include "cli/output/table.h"

namespace headroom::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Table Sample() {
  Table table({{"NAME"}, {"ADDRESS", true}, {"STATE"}});
  table.Add({"mac-1", "10.0.0.1", {"normal", Tone::kGood}});
  table.Add({"Büro", "", {"critical", Tone::kBad}});
  return table;
}

std::string Printed(const Table& table, bool wide, bool color) {
  std::ostringstream out;
  table.Print(out, wide, color);
  return out.str();
}

TEST(Table, AlignsByCharactersAndHidesWideColumns) {
  EXPECT_EQ(Printed(Sample(), false, false), "NAME    STATE\nmac-1   normal\nBüro    critical\n");
  EXPECT_EQ(Printed(Sample(), true, false),
            "NAME    ADDRESS    STATE\nmac-1   10.0.0.1   normal\nBüro    -          critical\n");
}

TEST(Table, PaintsOnlyWhereAsked) {
  EXPECT_THAT(Printed(Sample(), false, true), HasSubstr("\x1b[32mnormal\x1b[0m"));
  EXPECT_THAT(Printed(Sample(), false, false), Not(HasSubstr("\x1b")));
}

TEST(ProgressLine, FitsItsWidthAndShowsWhatIsKnown) {
  EXPECT_EQ(ProgressLine({"model default/llama", 0.5, "downloading"}, 79),
            "model default/llama [############            ] 50 % downloading");
  EXPECT_EQ(ProgressLine({"header of x", std::nullopt, "3.2 MiB"}, 79), "header of x 3.2 MiB");
  EXPECT_EQ(ProgressLine({"https://host/a/very/long/path.gguf", std::nullopt, "3 MiB"}, 20),
            "...g/path.gguf 3 MiB");
  EXPECT_EQ(ProgressLine({"a\x1b[2Jb\n\xc3\xa9", 2.0, ""}, 79),
            "a?[2Jb??? [########################] 100 %");
  for (const size_t width : {0u, 1u, 10u, 40u}) {
    EXPECT_LE(ProgressLine({"some model", -1.0, "loading"}, width).size(), width);
  }
}

TEST(Progress, WaitsThrottlesAndWipes) {
  std::ostringstream out;
  const SteadyTime start{};
  const auto at = [&](int ms) { return start + std::chrono::milliseconds(ms); };
  Progress progress(out);
  progress.Show({"a", {}, "1"}, at(0));
  progress.Show({"a", {}, "2"}, at(299));
  progress.Clear();
  EXPECT_EQ(out.str(), "") << "what is over at once is not shown";
  progress.Show({"a", {}, "3"}, at(1000));
  progress.Show({"a", {}, "4"}, at(1300));
  progress.Show({"a", {}, "5"}, at(1399));
  progress.Show({"a", {}, "6"}, at(1400));
  progress.Clear();
  progress.Clear();
  EXPECT_EQ(out.str(), "\r\x1b[Ka 4\r\x1b[Ka 6\r\x1b[K");
}

TEST(Watch, PrintsOnlyWhatChanged) {
  std::ostringstream out, err;
  const char* pictures[] = {"a\n", "a\n", "b\n", "b\n"};
  int turn = 0;
  const Render render = [&](Streams streams) {
    streams.out << pictures[turn];
    return kDone;
  };
  const auto wait = [&turn] { return ++turn < 4; };
  EXPECT_EQ(ShowUntil({out, err}, {.watch = true}, render, wait), kDone);
  EXPECT_EQ(out.str(), "a\nb\n");
}

}  // namespace
}  // namespace headroom::cli

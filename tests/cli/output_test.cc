#include <gmock/gmock.h>

#include <sstream>

#include "cli/output/format.h"
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

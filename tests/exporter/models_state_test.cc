#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>

#include "common/files.h"
#include "exporter/models/state_file.h"

namespace headroom::exporter {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

const ChildRecord kChild{"Model/a/b",
                         4242,
                         987654321,
                         19900,
                         "0123456789abcdef",
                         5368709120,
                         true,
                         ParseRfc3339("2026-01-02T03:04:05Z").value(),
                         3,
                         std::chrono::milliseconds(1500)};

class StateDirTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/headroom-state-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string folder_;
};

TEST(StateFile, RoundTrips) {
  const auto back = DecodeState(EncodeState({kChild}));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(*back, std::vector<ChildRecord>{kChild});
  EXPECT_THAT(*DecodeState(EncodeState({})), IsEmpty());
}

TEST(StateFile, TakesAFileOfAnOlderVersion) {
  const auto state = DecodeState(
      R"({"version":1,"models":[{"key":"k","identity":"i","pid":9,"port":1,"startTime":7}]})");
  ASSERT_TRUE(state) << state.error().message();
  EXPECT_EQ(state->at(0),
            (ChildRecord{.key = "k", .pid = 9, .start_time = 7, .port = 1, .identity = "i"}));
}

TEST(StateFile, RefusesWhatItCannotTrust) {
  struct Case {
    const char *text, *error;
  } const cases[] = {
      {"", ""},
      {"{}", "version: expected 1"},
      {R"({"version":2})", "version: expected 1, found 2"},
      {R"({"version":1})", "models: expected an array"},
      {R"({"version":1,"models":[{}]})", "models[0]: key or identity missing"},
      {R"({"version":1,"models":[{"key":"k","identity":"i","pid":1}]})", "pid out of range"},
      {R"({"version":1,"models":[{"key":"k","identity":"i","pid":-1}]})", "pid out of range"},
      {R"({"version":1,"models":[{"key":"k","identity":"i","pid":9999999999}]})", "pid out"},
      {R"({"version":1,"models":[{"key":"k","identity":"i","pid":9,"port":0}]})", "port out"},
      {R"({"version":1,"models":[{"key":"k","identity":"i","pid":9,"port":1}]})", "startTime"},
  };
  for (const Case& c : cases) {
    const auto state = DecodeState(c.text);
    ASSERT_FALSE(state) << c.text;
    EXPECT_THAT(state.error().message(), HasSubstr(c.error));
  }
}

TEST_F(StateDirTest, SavesLoadsAndLocks) {
  const auto dir = StateDir::Open(folder_ + "/new/state");
  ASSERT_TRUE(dir) << dir.error().message();
  EXPECT_THAT(*(*dir)->Load(), IsEmpty());
  ASSERT_TRUE((*dir)->Save({kChild}));
  EXPECT_EQ((*dir)->Load()->at(0), kChild);
  EXPECT_EQ(ReadFile(folder_ + "/new/state/lock").value(), std::to_string(::getpid()) + "\n");
  const auto second = StateDir::Open(folder_ + "/new/state");
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message(), HasSubstr("another headroom-exporter uses it"));
}

TEST_F(StateDirTest, ABrokenFileIsAnErrorWithTheWayOut) {
  const auto dir = StateDir::Open(folder_);
  ASSERT_TRUE(dir);
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/models.json", "{\"vers"));
  const auto loaded = (*dir)->Load();
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().message(), HasSubstr("models.json"));
  EXPECT_THAT(loaded.error().message(), HasSubstr("remove the file"));
}

TEST(StateDir, AnImpossibleFolderIsAnError) {
  const auto dir = StateDir::Open("/proc/headroom");
  ASSERT_FALSE(dir);
  EXPECT_THAT(dir.error().message(), HasSubstr("--state-dir"));
}

}  // namespace
}  // namespace headroom::exporter

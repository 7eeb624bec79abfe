#include "sources/store_cleanup.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/sources/hub_double.h"

namespace headroom::sources::test {
namespace {

using testing::IsEmpty;
namespace fs = std::filesystem;

WallTime At(int seconds) { return WallTime(std::chrono::seconds(seconds)); }

std::vector<StoreEntry> Store() {
  return {{"/s/new", 10, At(30)}, {"/s/old", 20, At(10)}, {"/s/mid", 30, At(20)}};
}

TEST(StoreCleanup, TakesWhatWasUsedLongestAgo) {
  const struct {
    uint64_t limit, coming;
    std::set<std::string> in_use;
    std::vector<std::string> remove;
    uint64_t after;
    bool enough;
  } cases[] = {
      {60, 0, {}, {}, 60, true},
      {59, 0, {}, {"/s/old"}, 40, true},
      {60, 20, {}, {"/s/old"}, 40, true},
      {60, 21, {}, {"/s/old", "/s/mid"}, 10, true},
      {60, 60, {}, {"/s/old", "/s/mid", "/s/new"}, 0, true},
      {59, 0, {"/s/old"}, {"/s/mid"}, 30, true},
      // Not enough: nothing is lost for it.
      {60, 61, {}, {}, 60, false},
      {60, 50, {"/s/old"}, {}, 60, false},
      {10, 0, {"/s/old", "/s/mid", "/s/new"}, {}, 60, false},
      {UINT64_MAX, UINT64_MAX, {}, {"/s/old", "/s/mid", "/s/new"}, 0, true},
  };
  for (const auto& c : cases) {
    const CleanupPlan plan = PlanCleanup(Store(), c.in_use, c.limit, c.coming);
    EXPECT_EQ(plan.remove, c.remove) << c.limit << " " << c.coming;
    EXPECT_EQ(plan.bytes_after, c.after);
    EXPECT_EQ(plan.enough, c.enough);
  }
  EXPECT_TRUE(PlanCleanup({}, {}, 0, 0).enough);
}

void SetTime(const std::string& path, int64_t seconds) {
  const struct timespec times[2] = {{seconds, 0}, {seconds, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
}

TEST(StoreCleanup, ScansMarksAndRemoves) {
  const TempFolder folder;
  const std::string store = folder.path() + "/store";
  for (const char* name : {"/h/a/m.gguf", "/h/a/m.gguf.json", "/h/b/n.gguf.partial"}) {
    fs::create_directories(fs::path(store + name).parent_path());
    std::ofstream(store + name) << "12345";
    SetTime(store + name, 1000);
  }
  auto entries = ScanStore(store);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].folder, store + "/h/a");
  EXPECT_EQ(entries[0].bytes, 10u);
  EXPECT_EQ(entries[0].used, At(1000));
  EXPECT_EQ(entries[1].bytes, 5u) << "what is left of a download counts";
  MarkUsed(store + "/h/a/m.gguf");
  entries = ScanStore(store);
  EXPECT_GT(entries[0].used, At(1000));
  EXPECT_EQ(entries[1].used, At(1000));

  ASSERT_TRUE(RemoveFromStore(store, store + "/h/b"));
  EXPECT_FALSE(fs::exists(store + "/h/b"));
  EXPECT_TRUE(fs::exists(store + "/h/a/m.gguf"));
  ASSERT_TRUE(RemoveFromStore(store, store + "/h/a"));
  EXPECT_FALSE(fs::exists(store + "/h")) << "no empty folders stay";
  EXPECT_TRUE(fs::exists(store));
  EXPECT_THAT(ScanStore(store), IsEmpty());
  EXPECT_THAT(ScanStore(store + "/none"), IsEmpty());
}

}  // namespace
}  // namespace headroom::sources::test

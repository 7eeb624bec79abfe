#include "common/files.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>

namespace headroom {
namespace {

class Files : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/files-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  size_t Count() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder_),
                                             std::filesystem::directory_iterator()));
  }

  std::string folder_;
};

TEST_F(Files, WritesAndReadsBack) {
  std::string content(300'000, 'x');
  content += std::string("\0\n", 2);
  ASSERT_TRUE(WriteFileAtomically(Path("a"), content));
  EXPECT_EQ(*ReadFile(Path("a")), content);
  ASSERT_TRUE(WriteFileAtomically(Path("a"), "new"));
  EXPECT_EQ(*ReadFile(Path("a")), "new");
  ASSERT_TRUE(WriteFileAtomically(Path("empty"), ""));
  EXPECT_EQ(*ReadFile(Path("empty")), "");
  EXPECT_EQ(Count(), 2u);  // no temporary file stays
}

TEST_F(Files, SecretsAreCreatedPrivate) {
  ASSERT_TRUE(WriteFileAtomically(Path("public"), "x"));
  ASSERT_TRUE(WriteFileAtomically(Path("key"), "x"));
  ASSERT_TRUE(WriteFileAtomically(Path("key"), "secret", 0600));  // even over a public one
  struct stat info;
  ASSERT_EQ(::stat(Path("key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(Files, FailedWriteLeavesTheOldFileAndNoRubbish) {
  std::filesystem::create_directory(Path("taken"));
  ASSERT_TRUE(WriteFileAtomically(Path("taken/inside"), "x"));
  EXPECT_FALSE(WriteFileAtomically(Path("taken"), "x"));  // a folder cannot be replaced
  EXPECT_EQ(Count(), 1u);
  const auto missing = WriteFileAtomically(Path("no/such"), "x");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), Code::kNotFound);
}

TEST_F(Files, ReadErrorsNameThePath) {
  const auto missing = ReadFile(Path("absent"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), Code::kNotFound);
  EXPECT_EQ(missing.error().message(), Path("absent") + ": No such file or directory");
  const auto folder = ReadFile(folder_);
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().code(), Code::kIo);
}

TEST_F(Files, ATokenIsReadWithoutWhatEditorsAddBehindIt) {
  for (const char* text : {"a b", "a b\n", "a b \t\r\n\n"}) {
    ASSERT_TRUE(WriteFileAtomically(Path("token"), text));
    EXPECT_EQ(*ReadToken(Path("token")), "a b");
  }
  ASSERT_TRUE(WriteFileAtomically(Path("token"), " \n"));
  EXPECT_EQ(*ReadToken(Path("token")), "");
  EXPECT_FALSE(ReadToken(Path("absent")));
}

TEST_F(Files, TheLimitIsExact) {
  ASSERT_TRUE(WriteFileAtomically(Path("ten"), "0123456789"));
  EXPECT_TRUE(ReadFile(Path("ten"), 10));
  const auto large = ReadFile(Path("ten"), 9);
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code(), Code::kTooLarge);
  EXPECT_EQ(large.error().message(), Path("ten") + ": larger than the limit of 9 bytes");
  EXPECT_EQ(*ReadFile(Path("ten"), SIZE_MAX), "0123456789");
}

}  // namespace
}  // namespace headroom

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "common/files.h"
#include "exporter/models/child_log.h"

namespace headroom::exporter {
namespace {

class ChildLog : public ::testing::Test {
 protected:
  void SetUp() override {
    file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_TRUNC, 0600);
    ASSERT_GE(file_, 0);
  }
  void TearDown() override {
    ::close(file_);
    std::filesystem::remove(path_);
    std::filesystem::remove(path_ + ".1");
  }
  void Write(size_t bytes) {
    const std::string line = std::string(1023, 'x') + "\n";
    for (size_t i = 0; i < bytes; i += line.size()) ASSERT_GT(::write(file_, line.data(), 1024), 0);
  }
  std::string path_ = ::testing::TempDir() + "child-" + std::to_string(::getpid()) + ".log";
  int file_ = -1;
};

TEST_F(ChildLog, IsTurnedOverUnderAWriterThatHoldsItOpen) {
  Write(kMaxLogBytes);
  ASSERT_TRUE(RotateLog(path_));
  EXPECT_EQ(std::filesystem::file_size(path_), kMaxLogBytes) << "not beyond the limit yet";
  Write(1024);
  ASSERT_TRUE(RotateLog(path_));
  EXPECT_EQ(std::filesystem::file_size(path_), 0u);
  const auto kept = ReadFile(path_ + ".1");
  ASSERT_TRUE(kept);
  EXPECT_LE(kept->size(), kKeptLogBytes);
  EXPECT_GT(kept->size(), kKeptLogBytes - 2048);
  EXPECT_EQ(kept->size() % 1024, 0u) << "whole lines";
  Write(1024);
  EXPECT_EQ(std::filesystem::file_size(path_), 1024u) << "the writer goes on at the start";
}

TEST_F(ChildLog, Tail) {
  EXPECT_EQ(LogTail(path_ + ".none"), "");
  EXPECT_TRUE(RotateLog(path_ + ".none"));
  ASSERT_EQ(::write(file_, "one\ntwo\n\n", 9), 9);
  EXPECT_EQ(LogTail(path_), "one\ntwo");
  Write(4096);
  EXPECT_EQ(LogTail(path_), std::string(599, 'x')) << "no line begins there";
}

}  // namespace
}  // namespace headroom::exporter

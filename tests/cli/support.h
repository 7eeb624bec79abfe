// Small fleets and models for the command line's tests, and the call of a command as a person makes
// it.
#pragma once

#include <gmock/gmock.h>

#include <filesystem>
#include <regex>
#include <sstream>

#include "cli/cli.h"
#include "common/files.h"
#include "common/time.h"
#include "tests/tools/tiny_models.h"
#include "tests/webhook/objects.h"

namespace headroom::cli {

class CommandTest : public ::testing::Test {
 public:
  // Compares with tests/data/cli/NAME; HEADROOM_UPDATE_GOLDEN=1 writes it.
  static void ExpectGolden(const std::string& name, const std::string& text) {
    const std::string path = std::string(HEADROOM_TEST_DATA) + "/cli/" + name;
    if (std::getenv("HEADROOM_UPDATE_GOLDEN") != nullptr) {
      ASSERT_TRUE(WriteFileAtomically(path, text));
      return;
    }
    const auto golden = ReadFile(path);
    ASSERT_TRUE(golden) << golden.error().message();
    EXPECT_EQ(text, *golden);
  }

 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "cli-XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = folder_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    EXPECT_TRUE(WriteFileAtomically(path, text));
    return path;
  }
  // A file whose KV cache takes 16 KiB a token.
  std::string Model() {
    const std::string path = folder_ + "/kvheavy.gguf";
    EXPECT_TRUE(headroom::testing::KvHeavyModel().WriteTo(path));
    return path;
  }
  // Nodes that published a moment ago, as a List.
  std::string Nodes(std::vector<webhook::testing::NodeSpec> specs) {
    Json list = Json::MakeObject();
    list.Set("kind", "List");
    for (auto& spec : specs) {
      if (spec.observed_at == webhook::testing::kNow) {
        spec.observed_at = std::chrono::system_clock::now();
      }
      list.Make({"items"}).Append(webhook::testing::NodeObject(spec));
    }
    return Write("nodes.json", WriteJson(list));
  }
  int Call(const Arguments& arguments) {
    out_.str("");
    err_.str("");
    return cli::Run(arguments, {out_, err_});
  }
  // What the last call printed, without what differs from run to run: the test's folder (DIR),
  // ages.
  std::string Said() const {
    std::string text = out_.str() + err_.str();
    for (size_t at; (at = text.find(folder_)) != std::string::npos;) {
      text.replace(at, folder_.size(), "DIR");
    }
    return std::regex_replace(text, std::regex("\\b\\d+s\\b"), "0s");
  }
  std::string folder_;
  std::ostringstream out_, err_;
};

}  // namespace headroom::cli

// What a person sees of `headroom estimate` and `headroom inspect` on real files.
#include <gmock/gmock.h>

#include <filesystem>
#include <sstream>

#include "cli/cli.h"
#include "common/files.h"
#include "common/json.h"
#include "tests/tools/tiny_models.h"

namespace headroom::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class EstimateTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "estimate-XXXXXX";
    folder_ = mkdtemp(name.data());
    model_ = folder_ + "/kvheavy.gguf";
    ASSERT_TRUE(headroom::testing::KvHeavyModel().WriteTo(model_));
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  int Call(const Arguments& arguments) {
    out_.str("");
    err_.str("");
    return cli::Run(arguments, {out_, err_});
  }
  Json CallJson(Arguments arguments) {
    arguments.push_back("--json");
    EXPECT_EQ(Call(arguments), kDone) << err_.str();
    auto json = ParseJson(out_.str());
    EXPECT_TRUE(json);
    return json ? *json : Json();
  }

  std::string folder_, model_;
  std::ostringstream out_, err_;
};

TEST_F(EstimateTest, PrintsThePartsAndTheirSums) {
  ASSERT_EQ(Call({"estimate", model_, "--context", "8192"}), kDone) << err_.str();
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("llama"), HasSubstr("weights"), HasSubstr("128.0 MiB"),
                                HasSubstr("= when ready"), HasSubstr("= may grow to")));
}

TEST_F(EstimateTest, JsonHasTheContractAndKvIsExact) {
  const Json json = CallJson({"estimate", model_, "--context", "8192"});
  EXPECT_EQ(StringOr(json, {"architecture"}), "llama");
  // 4 layers x (K + V) x 4 heads x 256 x f16 = 16 KiB a token.
  EXPECT_EQ(IntOr(json, {"device_bytes", "kv_cache"}, -1), 8192 * 16384);
  for (const char* key : {"weights", "recurrent_state", "compute", "output"}) {
    EXPECT_NE(json.Find({"device_bytes", key}), nullptr) << key;
    EXPECT_NE(json.Find({"host_bytes", key}), nullptr) << key;
  }
  for (const char* key : {"method", "runtime_version", "prompt_cache", "context_checkpoints",
                          "runtime", "load_bytes", "footprint_bytes", "file_bytes", "warnings"}) {
    EXPECT_NE(json.Find(key), nullptr) << key;
  }
}

TEST_F(EstimateTest, ServerFlagsBehindDashesMeanTheSameAsOurs) {
  const Json ours = CallJson({"estimate", model_, "--context", "4096", "--parallel", "2",
                              "--cache-type-k", "q8_0", "--cache-type-v", "q8_0"});
  Arguments theirs{"estimate", model_, "--json", "--",   "-c",   "4096",
                   "-np",      "2",    "-ctk",   "q8_0", "-ctv", "q8_0"};
  ASSERT_EQ(Call(theirs), kDone) << err_.str();
  EXPECT_EQ(ParseJson(out_.str()).value(), ours);
}

TEST_F(EstimateTest, BudgetDecidesTheExitCodeAndNamesWhatFits) {
  EXPECT_EQ(Call({"estimate", model_, "--context", "8192", "--budget", "64Gi"}), kDone);
  EXPECT_THAT(out_.str(), HasSubstr("fits"));
  EXPECT_EQ(Call({"estimate", model_, "--context", "65536", "--cache-ram", "0", "--budget", "1Gi"}),
            kFailed);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("does not fit, short by"), HasSubstr("largest context")));
}

TEST_F(EstimateTest, BadInputIsOneClearLine) {
  const std::string text = folder_ + "/text.gguf", cut = folder_ + "/cut.gguf";
  ASSERT_TRUE(WriteFileAtomically(text, "this is no model"));
  const auto whole = ReadFile(model_);
  ASSERT_TRUE(whole);
  ASSERT_TRUE(WriteFileAtomically(cut, std::string_view(*whole).substr(0, 5000)));
  const struct {
    Arguments arguments;
    int code;
    const char* expected;
  } cases[] = {
      {{"estimate", text}, kFailed, "text.gguf"},
      {{"estimate", cut}, kFailed, "truncated"},
      {{"inspect", cut}, kFailed, "truncated"},
      {{"estimate", folder_ + "/absent.gguf"}, kFailed, "absent.gguf"},
      {{"estimate", "s3://bucket/model.gguf"}, kFailed, "s3://bucket/model.gguf"},
      {{"estimate", "https://127.0.0.1:1/m.gguf"}, kFailed, "127.0.0.1"},
      {{"estimate"}, kUsage, "expected a SOURCE"},
      {{"estimate", model_, "--context", "many"}, kUsage, "--context"},
      {{"estimate", model_, "--budget", "banana"}, kUsage, "--budget"},
      {{"estimate", model_, "--cache-type-k", "q9_9"}, kUsage, "--cache-type-k"},
      {{"estimate", model_, "--kv-unified", "maybe"}, kUsage, "--kv-unified"},
      {{"inspect"}, kUsage, "expected a SOURCE"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Call(c.arguments), c.code) << err_.str();
    EXPECT_THAT(err_.str(), HasSubstr(c.expected));
    const std::string line = err_.str();
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1) << line;
  }
}

TEST_F(EstimateTest, InspectShowsMetadataAndTypes) {
  ASSERT_EQ(Call({"inspect", model_, "--tensors"}), kDone) << err_.str();
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("GGUF v3"), HasSubstr("general.architecture = llama"),
                                HasSubstr("tensors by type"), HasSubstr("token_embd.weight")));
}

}  // namespace
}  // namespace headroom::cli

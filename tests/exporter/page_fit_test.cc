#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporter/page/files.h"
#include "exporter/page/fit.h"
#include "tests/support/run_coro.h"
#include "tests/tools/tiny_models.h"

namespace headroom::exporter {
namespace {

namespace asio = boost::asio;

using headroom::test::RunCoro;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr uint64_t kMiB = 1 << 20;

// A node of 4 GiB with a budget of 1 GiB of which `committed` is taken.
Result<estimator::Candidate> Node(uint64_t committed = 0) {
  estimator::Candidate candidate;
  candidate.node.name = "mac-1";
  candidate.node.memory_total = 4096 * kMiB;
  candidate.node.memory_budget = 1024 * kMiB;
  candidate.node.budget_source = "flag 1Gi";
  candidate.node.available = 4096 * kMiB;
  candidate.node.accelerator = "cpu";
  if (committed != 0) candidate.occupants.push_back({"a/b", committed});
  return candidate;
}

asio::awaitable<Result<sources::ModelHeader>> Nowhere(sources::Source) {
  co_return Error(Code::kIo, "the host is unreachable");
}

net::HttpResponse Ask(const std::string& method, const std::string& target,
                      const std::string& body = "", uint64_t committed = 0) {
  FitSources from;
  from.node = [committed] { return Node(committed); };
  from.read = Nowhere;
  return RunCoro(HandleFit(std::move(from), {method, target, {}, body}));
}

std::string KvHeavyAt(uint64_t context) {
  const auto model = testing::KvHeavyModel();
  return "/v1/fit?parallel=1&prompt_cache_mib=0&name=kv.gguf&file_bytes=" +
         std::to_string(model.FileBytes()) + "&context=" + std::to_string(context);
}

Json AskKvHeavy(uint64_t context, uint64_t committed = 0) {
  const auto answer = Ask("POST", KvHeavyAt(context), testing::KvHeavyModel().Header(), committed);
  EXPECT_EQ(answer.status, 200) << answer.body;
  return *ParseJson(answer.body);
}

// 16 KiB of KV cache a token: 8,192 tokens are 128 MiB, 131,072 are 2 GiB.
TEST(Fit, SaysYesWithTheLargestContext) {
  const Json answer = AskKvHeavy(8192);
  EXPECT_TRUE(BoolOr(answer, {"allowed"}, false));
  EXPECT_THAT(StringOr(answer, {"summary"}), StartsWith("Model kv.gguf needs "));
  EXPECT_EQ(StringOr(answer, {"text"}), "");
  const int64_t largest = IntOr(answer, {"largestContext"}, 0);
  EXPECT_GT(largest, 8192);
  // The figure it names is itself a yes, and the next step is a no.
  const auto fits = [](int64_t context) {
    return BoolOr(AskKvHeavy(static_cast<uint64_t>(context)), {"allowed"}, false);
  };
  EXPECT_TRUE(fits(largest));
  EXPECT_FALSE(fits(largest + 256));
}

TEST(Fit, SaysNoInTheWordsOfAdmission) {
  const Json answer = AskKvHeavy(131072);
  EXPECT_FALSE(BoolOr(answer, {"allowed"}, true));
  EXPECT_THAT(StringOr(answer, {"text"}), StartsWith("[HR-10"));
  EXPECT_THAT(StringOr(answer, {"text"}), HasSubstr("mac-1"));
}

TEST(Fit, CountsWhatRunsHere) {
  EXPECT_TRUE(BoolOr(AskKvHeavy(16384), {"allowed"}, false));
  const Json answer = AskKvHeavy(16384, 900 * kMiB);
  EXPECT_FALSE(BoolOr(answer, {"allowed"}, true));
  EXPECT_THAT(StringOr(answer, {"text"}), HasSubstr("a/b"));
}

TEST(Fit, RefusesWhatItCannotRead) {
  const std::string tiny = testing::TinyModel().Header();
  const struct {
    std::string method, target, body;
    int status;
    std::string text;
  } cases[] = {
      {"POST", "/v1/fit", "", 422, "GGUF"},
      {"POST", "/v1/fit", "<html>", 422, "GGUF"},
      {"POST", "/v1/fit", tiny.substr(0, tiny.size() / 2), 422, ""},
      {"POST", "/v1/fit?file_bytes=10", tiny, 422, ""},
      {"POST", "/v1/fit?file_bytes=x", tiny, 400, "file_bytes: expected a number"},
      {"POST", "/v1/fit?context=-1", tiny, 400, "context: expected a number"},
      {"POST", "/v1/fit?context=99999999999", tiny, 400, "context: expected a number"},
      {"POST", "/v1/fit?cache_type_k=f17", tiny, 400, "cache_type_k"},
      {"GET", "/v1/fit", "", 400, "source: "},
      {"GET", "/v1/fit?source=%2Fetc%2Fpasswd", "", 400, "can be dropped on the page"},
      {"GET", "/v1/fit?source=http%3A%2F%2Fa%2Fb.gguf", "", 400, "source: "},
      {"GET", "/v1/fit?source=hf%3A%2F%2Fa%2Fb%2Fc.gguf", "", 422, "the host is unreachable"},
  };
  for (const auto& c : cases) {
    const auto answer = Ask(c.method, c.target, c.body);
    EXPECT_EQ(answer.status, c.status) << c.target << ": " << answer.body;
    EXPECT_THAT(answer.body, HasSubstr(c.text)) << c.target;
  }
}

TEST(Page, IsCompleteAndNamesNothingElsewhere) {
  for (const char* path : {"/", "/page.css", "/dom.js", "/page.js", "/memory.js", "/models.js",
                           "/fit.js", "/gguf.js"}) {
    const net::PageFile* file = net::FindPageFile(PageFiles(), path);
    ASSERT_NE(file, nullptr) << path;
    EXPECT_GT(file->text.size(), 500u) << path;
    EXPECT_EQ(file->text.find("//cdn"), std::string_view::npos) << path;
  }
  EXPECT_THAT(std::string(net::FindPageFile(PageFiles(), "/")->text),
              StartsWith("<!doctype html>"));
  EXPECT_EQ(net::FindPageFile(PageFiles(), "/nothing"), nullptr);
}

}  // namespace
}  // namespace headroom::exporter

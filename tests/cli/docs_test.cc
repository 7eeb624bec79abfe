// Completion, manual pages and docs/cli.md are what --help says: they are made from the same flags,
// and docs/cli.md must hold the reference that is made of them.
#include <gmock/gmock.h>

#include "cli/docs/completion.h"
#include "cli/docs/pages.h"
#include "tests/cli/support.h"

namespace headroom::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::vector<std::string> Texts(const Completion& completion) {
  std::vector<std::string> out;
  for (const auto& candidate : completion.candidates) out.push_back(candidate.text);
  return out;
}
Completion After(const Arguments& words) { return Complete(DescribeCommands(), words); }

class DocsTest : public CommandTest {};

TEST_F(DocsTest, EveryCommandDescribesItselfAsItsHelpDoes) {
  const auto docs = DescribeCommands();
  ASSERT_EQ(docs.size(), Commands().size());
  for (const CommandDoc& doc : docs) {
    EXPECT_THAT(doc.synopsis, ::testing::StartsWith("headroom " + doc.name));
    EXPECT_NE(doc.description, "") << doc.name;
    ASSERT_EQ(Call({doc.name, "--help"}), kDone);
    EXPECT_THAT(out_.str(), HasSubstr(doc.synopsis));
    for (const Flags::Info& flag : doc.flags) {
      const std::string spelled = flag.is_switch ? "--[no-]" + flag.name : "--" + flag.name;
      EXPECT_THAT(out_.str(), HasSubstr(spelled)) << doc.name;
    }
  }
}

TEST_F(DocsTest, TheDocumentationHoldsTheReference) {
  const std::string path = std::string(HEADROOM_TEST_DATA) + "/../../docs/cli.md";
  constexpr std::string_view kMark =
      "<!-- made from --help; HEADROOM_UPDATE_GOLDEN=1 of cli_test writes it -->\n";
  auto text = ReadFile(path);
  ASSERT_TRUE(text) << text.error().message();
  const size_t mark = text->find(kMark);
  ASSERT_NE(mark, std::string::npos);
  const std::string whole =
      text->substr(0, mark + kMark.size()) + "\n" + MarkdownReference(DescribeCommands());
  if (std::getenv("HEADROOM_UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(WriteFileAtomically(path, whole));
    return;
  }
  EXPECT_EQ(*text, whole);
}

TEST_F(DocsTest, TheDocumentationShowsWhatTheDoctorSays) {
  const std::string data = HEADROOM_TEST_DATA;
  const std::string path = data + "/../../docs/cli.md";
  const std::string start = "<!-- tests/data/cli/doctor-mac.txt -->\n```\n";
  auto text = ReadFile(path);
  const auto golden = ReadFile(data + "/cli/doctor-mac.txt");
  ASSERT_TRUE(text && golden);
  const size_t from = text->find(start);
  ASSERT_NE(from, std::string::npos);
  const size_t begin = from + start.size(), end = text->find("```", begin);
  ASSERT_NE(end, std::string::npos);
  if (std::getenv("HEADROOM_UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(WriteFileAtomically(path, text->replace(begin, end - begin, *golden)));
    return;
  }
  EXPECT_EQ(text->substr(begin, end - begin), *golden);
}

TEST(Complete, KnowsCommandsFlagsAndValues) {
  EXPECT_THAT(Texts(After({"no"})), ElementsAre("nodes"));
  EXPECT_THAT(Texts(After({""})), Contains("estimate"));
  EXPECT_THAT(Texts(After({"nodes", "--wa"})), ElementsAre("--watch"));
  EXPECT_THAT(Texts(After({"nodes", "--no-w"})), ElementsAre("--no-watch"));
  EXPECT_THAT(Texts(After({"nodes", "-o", ""})), ElementsAre("table", "wide", "json", "yaml"));
  EXPECT_THAT(Texts(After({"check", "--output", "sa"})), ElementsAre("sarif"));
  EXPECT_THAT(Texts(After({"completion", "z"})), ElementsAre("zsh"));
  EXPECT_THAT(Texts(After({"no-such", "x"})), IsEmpty());
  EXPECT_THAT(Texts(After({"estimate", "--", "--"})), IsEmpty());
}

TEST(Complete, KnowsWhereAFileMayStand) {
  EXPECT_TRUE(After({"check", "-f", ""}).files);
  EXPECT_TRUE(After({"estimate", ""}).files);
  EXPECT_TRUE(After({"nodes", "--kubeconfig", ""}).files);
  EXPECT_FALSE(After({"nodes", "-o", ""}).files);
  EXPECT_FALSE(After({"nodes", ""}).files);
}

TEST(CompletionText, IsCobrasProtocol) {
  EXPECT_EQ(CompletionText({{{"nodes", "the machines"}, {"x", ""}}, false}),
            "nodes\tthe machines\nx\n:4\n");
  EXPECT_EQ(CompletionText({{}, true}), ":0\n");
}

TEST_F(DocsTest, ManualPagesHaveEveryFlagAndEscapeRoff) {
  const auto pages = ManualPages(DescribeCommands());
  EXPECT_EQ(pages.size(), Commands().size() + 1);
  const std::string& check = pages.at("headroom-check.1");
  EXPECT_THAT(check, HasSubstr(".TH headroom-check 1"));
  ASSERT_EQ(Call({"man", "probe"}), kDone);
  ExpectGolden("man-probe.1", Said());
  EXPECT_THAT(check, HasSubstr("\\-f, \\-\\-filename FILE|DIR|\\-"));
  EXPECT_THAT(pages.at("headroom.1"), HasSubstr(".BR headroom\\-check (1)"));
  ASSERT_EQ(Call({"man", "--dir", folder_ + "/man1"}), kDone);
  EXPECT_EQ(ReadFile(folder_ + "/man1/headroom-check.1").value(), check);
  ASSERT_EQ(Call({"man", "check"}), kDone);
  EXPECT_EQ(out_.str(), check);
}

TEST_F(DocsTest, BadInputIsOneClearLine) {
  EXPECT_EQ(Call({"completion"}), kUsage);
  for (const char* shell : {"bash", "zsh", "fish", "kubectl"}) {
    ASSERT_EQ(Call({"completion", shell}), kDone);
    ExpectGolden(std::string("completion.") + shell, Said());
  }
  EXPECT_EQ(Call({"completion", "tcsh"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("bash, zsh, fish or kubectl"));
  EXPECT_EQ(Call({"man", "no-such"}), kUsage);
  EXPECT_EQ(Call({"man", "check", "top"}), kUsage);
  EXPECT_EQ(Call({"man", "--dir", "/proc/no"}), kFailed);
}

}  // namespace
}  // namespace headroom::cli

#include "sources/source.h"

#include <gtest/gtest.h>

namespace headroom::sources {
namespace {

using Where = Source::Where;

struct GoodCase {
  const char* text;
  Where where;
  const char* place;  // path, or URL
  const char* described;
};

TEST(Source, SaysWhereTheBytesAre) {
  const GoodCase cases[] = {
      {"/models/a.gguf", Where::kNodeFile, "/models/a.gguf", "file /models/a.gguf"},
      {"file:///models//x/../a.gguf", Where::kNodeFile, "/models/a.gguf", "file /models/a.gguf"},
      {"https://Host.example/m/a.gguf", Where::kHttps, "https://host.example/m/a.gguf",
       "https host.example/m/a.gguf"},
      {"https://h.example:8443/a.gguf?sig=secret", Where::kHttps,
       "https://h.example:8443/a.gguf?sig=secret", "https h.example/a.gguf"},
      {"hf://org/repo/a.gguf", Where::kHttps, "https://huggingface.co/org/repo/resolve/main/a.gguf",
       "hf org/repo a.gguf"},
      {"hf://org/repo/sub dir/a#.gguf@refs/pr/1", Where::kHttps,
       "https://huggingface.co/org/repo/resolve/refs%2Fpr%2F1/sub%20dir/a%23.gguf",
       "hf org/repo sub dir/a#.gguf @ refs/pr/1"},
      {"pvc://claim/a.gguf", Where::kOther, "", "pvc://claim/a.gguf"},
      {"s3://bucket/a.gguf", Where::kOther, "", "s3://bucket/a.gguf"},
      {"org/repo", Where::kOther, "", "org/repo"},
  };
  for (const GoodCase& c : cases) {
    const auto source = ParseSource(c.text);
    ASSERT_TRUE(source) << c.text << ": " << source.error().message();
    EXPECT_EQ(source->where, c.where) << c.text;
    EXPECT_EQ(source->text, c.text);
    const bool remote = c.where == Where::kHttps;
    EXPECT_EQ(remote ? source->url.ToString() : source->path, c.place);
    EXPECT_EQ(Describe(*source), c.described);
  }
}

TEST(Source, RefusesWithTheExpectedForm) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "is empty"},
      {"http://host/a.gguf", "use https://"},
      {"https://", "expected https://HOST/PATH"},
      {"https://user:pw@host/a.gguf", "expected https://HOST/PATH"},
      {"file://model.gguf", "expected an absolute path"},
      {"file:///", "expected the path of a file"},
      {"/models/", "expected the path of a file"},
      {"/../../etc/passwd/..", "expected the path of a file"},
      {"/a/../../etc/passwd", "expected the path of a file"},
      {"hf://org/repo", "OWNER/REPO/FILE"},
      {"hf://org/repo/../x", "OWNER/REPO/FILE"},
      {"hf://org//a.gguf", "OWNER/REPO/FILE"},
      {"hf://org/repo/a.gguf@", "revision"},
      {"/models/a\n.gguf", "control character"},
      {std::string("/models/a\0.gguf", 14), "control character"},
      {"/" + std::string(5000, 'a'), "longer than"},
  };
  for (const auto& [text, part] : cases) {
    const auto source = ParseSource(text);
    ASSERT_FALSE(source) << text;
    EXPECT_NE(source.error().message().find("spec.source: "), std::string::npos);
    EXPECT_NE(source.error().message().find(part), std::string::npos) << source.error().message();
  }
}

TEST(Source, ABareNameLiesBesideItsModel) {
  const struct {
    const char* text;
    const char* model;
    const char* full;
  } cases[] = {
      {"p.gguf", "hf://o/r/m.gguf", "hf://o/r/p.gguf"},
      {"p.gguf", "hf://o/r/m.gguf@v1", "hf://o/r/p.gguf@v1"},
      {"p.gguf", "https://h/x/m.gguf", "https://h/x/p.gguf"},
      {"p.gguf", "/models/m.gguf", "/models/p.gguf"},
      {"/other/p.gguf", "/models/m.gguf", "/other/p.gguf"},
      {"hf://o/q/p.gguf", "/models/m.gguf", "hf://o/q/p.gguf"},
      {"s3://b/p.gguf", "/models/m.gguf", "s3://b/p.gguf"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(ParseBeside(c.text, *ParseSource(c.model))->text, c.full) << c.text;
  }
  EXPECT_FALSE(ParseBeside("", *ParseSource("/models/m.gguf")));
}

TEST(Source, NamesTheSiblingsOfAFirstPart) {
  auto parts = SplitParts(*ParseSource("https://h/m/x-00001-of-00003.gguf?download=true"));
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[0].url.target, "/m/x-00001-of-00003.gguf?download=true");
  EXPECT_EQ(parts[2].url.target, "/m/x-00003-of-00003.gguf?download=true");
  parts = SplitParts(*ParseSource("/m/x-00001-of-00002.gguf"));
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[1].path, "/m/x-00002-of-00002.gguf");
  for (const char* alone : {"/m/x.gguf", "/m/x-00002-of-00003.gguf", "/m/x-00001-of-99999.gguf"}) {
    EXPECT_EQ(SplitParts(*ParseSource(alone)).size(), 1u) << alone;
  }
}

}  // namespace
}  // namespace headroom::sources

#include "common/yaml.h"

#include <gtest/gtest.h>

namespace headroom {
namespace {

std::string Repeat(std::string_view text, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += text;
  return out;
}

std::string OneAsJson(const std::string& text) {
  const auto documents = ParseYaml(text, "t");
  if (!documents) return documents.error().message();
  return documents->size() == 1 ? WriteJson(documents->front())
                                : std::to_string(documents->size()) + " documents";
}

TEST(Yaml, ScalarsFollowTheCoreSchema) {
  const struct {
    const char *text, *json;
  } kRows[] = {
      {"v: true", R"({"v":true})"},
      {"v: False", R"({"v":false})"},
      {"v: yes", R"({"v":"yes"})"},
      {"v: null", R"({"v":null})"},
      {"v: ~", R"({"v":null})"},
      {"v:", R"({"v":null})"},
      {"v: 12", R"({"v":12})"},
      {"v: +12", R"({"v":12})"},
      {"v: -12", R"({"v":-12})"},
      {"v: 0x1F", R"({"v":31})"},
      {"v: 0o17", R"({"v":15})"},
      {"v: 0b1", R"({"v":"0b1"})"},
      {"v: 1_000", R"({"v":"1_000"})"},
      {"v: 18446744073709551615", R"({"v":18446744073709551615})"},
      {"v: 1.5", R"({"v":1.5})"},
      {"v: .5", R"({"v":0.5})"},
      {"v: 5.", R"({"v":5.0})"},
      {"v: 1e3", R"({"v":1000.0})"},
      {"v: -1.5E-3", R"({"v":-0.0015})"},
      {"v: 1e", R"({"v":"1e"})"},
      {"v: .", R"({"v":"."})"},
      {"v: +-1", R"({"v":"+-1"})"},
      {"v: 1.2.3", R"({"v":"1.2.3"})"},
      {"v: 8Gi", R"({"v":"8Gi"})"},
      {"v: 2026-01-02", R"({"v":"2026-01-02"})"},
      {"v: \"12\"", R"({"v":"12"})"},
      {"v: '12'", R"({"v":"12"})"},
      {"v: \"\"", R"({"v":""})"},
      {"v: 'true'", R"({"v":"true"})"},
      {"v: !!str 12", R"({"v":"12"})"},
      {"v: !!int \"12\"", R"({"v":12})"},
      {"v: |\n  12\n", R"({"v":"12\n"})"},
      {"v: >-\n  a\n  b\n", R"({"v":"a b"})"},
      {"v: \"\\u00e9\\n\"", "{\"v\":\"\xC3\xA9\\n\"}"},
      {"1: a\ntrue: b\n'2': c", R"({"1":"a","true":"b","2":"c"})"},
      {"{\"json\": [1, \"two\", {}]}", R"({"json":[1,"two",{}]})"},
      {"# only\n- a # comment\n- - b\n  - c\n", R"(["a",["b","c"]])"},
      {"plain", R"("plain")"},
  };
  for (const auto& row : kRows) EXPECT_EQ(OneAsJson(row.text), row.json) << row.text;
}

TEST(Yaml, ReadsStreamsAndDropsEmptyDocuments) {
  const auto documents = ParseYaml("---\na: 1\n---\n---\n# nothing\n---\nb: 2\n...\n", "t");
  ASSERT_TRUE(documents) << documents.error().message();
  ASSERT_EQ(documents->size(), 2u);
  EXPECT_EQ(WriteJson(documents->at(0)), R"({"a":1})");
  EXPECT_EQ(WriteJson(documents->at(1)), R"({"b":2})");
  EXPECT_TRUE(ParseYaml("", "t")->empty());
  EXPECT_TRUE(ParseYaml("# comment\n", "t")->empty());
}

TEST(Yaml, ResolvesAnchorsAndMergeKeys) {
  EXPECT_EQ(OneAsJson("a: &x [1, 2]\nb: *x\n"), R"({"a":[1,2],"b":[1,2]})");
  EXPECT_EQ(OneAsJson("a: &k name\n*k : 1\n"), R"({"a":"name","name":1})");
  EXPECT_EQ(OneAsJson("- &d {p: 1, q: 2}\n- {<<: *d, q: 3}\n"), R"([{"p":1,"q":2},{"q":3,"p":1}])");
  EXPECT_EQ(OneAsJson("- &a {p: 1}\n- &b {p: 2, r: 3}\n- <<: [*a, *b]\n"),
            R"([{"p":1},{"p":2,"r":3},{"p":1,"r":3}])");
  EXPECT_EQ(OneAsJson("'<<': 1"), R"({"<<":1})");
}

TEST(Yaml, ErrorsCarryThePosition) {
  const std::string nul("a: \0", 4);
  const struct {
    std::string text;
    const char* why;
  } kRows[] = {
      {"a: 1\nb: [1, 2\n", "m.yaml:3:1: "},
      {"a: 1\n b: 2\n", "m.yaml:2:3: "},
      {"a: \"x\n", "m.yaml:2:1: "},
      {"\ta: 1\n", "m.yaml:1:3: "},
      {"a: 1\nb: 2\na: 3\n", "m.yaml:3:1: key 'a' is already set in this map"},
      {"? [x]\n: 1\n", "m.yaml:1:3: a key must be text"},
      {"~: 1\n", "m.yaml:1:1: a key must be text"},
      {", [2]]\n", "m.yaml:1:1: "},
      {"a: 1\n---\n]\n", "m.yaml:3:1: illegal flow end"},
      {"a: \"x\\Ny\"\n", "m.yaml:1:4: the escapes \\N and \\_ are not supported"},
      {"a: \"\\ud800\"\n", "m.yaml:1:"},
      {"a: *missing\n", "m.yaml:1:4: "},
      {"a: &x [*x]\n", "m.yaml:1:8: alias to a value that contains the alias"},
      {"a: .inf\n", "m.yaml:1:4: number .inf cannot be represented"},
      {"a: 1e999\n", "m.yaml:1:4: number 1e999 cannot be represented"},
      {"<<: 3\n", "'<<' expects a map"},
      {nul, "m.yaml:1:4: control character"},
      {"a: 1\n\x04"
       "b: 2\n",
       "m.yaml:2:1: control character"},
      {"a: \xFF\n", "m.yaml:1:4: invalid UTF-8"},
  };
  for (const auto& row : kRows) {
    const auto documents = ParseYaml(row.text, "m.yaml");
    ASSERT_FALSE(documents) << row.text;
    EXPECT_NE(documents.error().message().find(row.why), std::string::npos)
        << row.text << " -> " << documents.error().message();
  }
}

TEST(Yaml, BombsAreErrors) {
  EXPECT_NE(OneAsJson(Repeat("[", 100'000)).find("t:1:"), std::string::npos);
  EXPECT_NE(OneAsJson(Repeat("- ", 300) + "x").find("nested deeper than the limit of 256"),
            std::string::npos);
  std::string laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string below = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" +
              Repeat(below + ", ", 9) + below + "]\n";
  }
  EXPECT_NE(OneAsJson(laughs).find("larger than 64 MiB once expanded"), std::string::npos);
  std::string tower = "- &a0 " + Repeat("[", 200) + Repeat("]", 200) + "\n";
  tower += "- " + Repeat("[", 100) + "*a0" + Repeat("]", 100) + "\n";
  EXPECT_NE(OneAsJson(tower).find("nested deeper"), std::string::npos);
  EXPECT_EQ(ParseYaml(std::string((16u << 20) + 1, ' '), "t").error().code(), Code::kTooLarge);
}

}  // namespace
}  // namespace headroom

#include <gtest/gtest.h>

#include "common/yaml.h"

namespace headroom {
namespace {

TEST(YamlWrite, QuotesOnlyWhereNeeded) {
  const struct {
    const char *json, *yaml;
  } kRows[] = {
      {R"("plain text")", "plain text\n"},
      {R"("8Gi")", "8Gi\n"},
      {R"("1.2.3-rc1")", "1.2.3-rc1\n"},
      {R"("https://host/x?y#z")", "https://host/x?y#z\n"},
      {R"("a-b_c/d.e")", "a-b_c/d.e\n"},
      {R"("")", "\"\"\n"},
      {R"("12")", "\"12\"\n"},
      {R"("1e3")", "\"1e3\"\n"},
      {R"("0x1F")", "\"0x1F\"\n"},
      {R"("true")", "\"true\"\n"},
      {R"("Yes")", "\"Yes\"\n"},
      {R"("null")", "\"null\"\n"},
      {R"("~")", "\"~\"\n"},
      {R"("1:30")", "\"1:30\"\n"},
      {R"("2026-01-02T03:04:05Z")", "\"2026-01-02T03:04:05Z\"\n"},
      {R"(".inf")", "\".inf\"\n"},
      {R"("key: value")", "\"key: value\"\n"},
      {R"("a #b")", "\"a #b\"\n"},
      {R"("- a")", "\"- a\"\n"},
      {R"("*x")", "\"*x\"\n"},
      {R"(" x")", "\" x\"\n"},
      {R"("x ")", "\"x \"\n"},
      {R"("tab\t")", "\"tab\\t\"\n"},
      {"null", "null\n"},
      {"1.0", "1.0\n"},
      {"18446744073709551615", "18446744073709551615\n"},
      {"{}", "{}\n"},
      {"[]", "[]\n"},
      {R"({"a":{},"b":[],"c":null})", "a: {}\nb: []\nc: null\n"},
      {R"({"on":1,"":2,"a b":3})", "\"on\": 1\n\"\": 2\na b: 3\n"},
  };
  for (const auto& row : kRows) EXPECT_EQ(WriteYaml(*ParseJson(row.json)), row.yaml) << row.json;
}

TEST(YamlWrite, NestsLikeKubectl) {
  const Json json = *ParseJson(R"({
    "apiVersion": "v1", "metadata": {"name": "x", "labels": {"a": "b"}},
    "args": ["--one", {"k": 1, "l": [2, [3, 4]]}, [], {}], "script": "line 1\n\nline 3\n",
    "note": "no end\n  indented"})");
  EXPECT_EQ(WriteYaml(json), R"(apiVersion: v1
metadata:
  name: x
  labels:
    a: b
args:
- --one
- k: 1
  l:
  - 2
  - - 3
    - 4
- []
- {}
script: |
  line 1

  line 3
note: |-
  no end
    indented
)");
}

TEST(YamlWrite, ReadsBackAsItWas) {
  const std::string long_text(2000, 'k');
  Json json = *ParseJson(R"({
    "texts": ["", " ", "\n", "\n\n", "a\n", "a\n\n", " a\nb", "a\nb ", "a \nb", "\ta\nb", "#", "a\r\nb",
              "---", "...", "... x", "- a\n- b", "--- x", "%TAG", "@x", "`x", "{a}", "[a]", "a, b", "'q'",
              "\"q\"", "\u0000\u0007", "\u0085\u2028\ufeff", "é", "😀", "a: b", "a:", ":a", "a\\nb",
              "0b1", "0o7", "1_000", "+1", "-", "?", "? a", "!x", "&x", "|", ">", "=", "<<"],
    "numbers": [0, -1, 1.5, 1e300, 5e-324, -0.0, 9223372036854775807],
    "nested": [[[]], [{}], [[1], [2]], {"a": [{"b": [{"c": "x\ny"}]}]}, ["x\ny\n"]],
    "<<": {"a": 1}, "true": 1, "12": 2, "a: b": 3, "multi\nline": 4, "": {"": ""}})");
  json.Set(long_text, 1);
  json.Make({"deep"}).Set(long_text, long_text);
  const std::string text = WriteYaml(json);
  const auto back = ParseYaml(text, "t");
  ASSERT_TRUE(back) << back.error().message() << "\n" << text;
  ASSERT_EQ(back->size(), 1u);
  EXPECT_EQ(back->front(), json) << text << "\n" << WriteJson(back->front());
}

}  // namespace
}  // namespace headroom

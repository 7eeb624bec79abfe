#include "common/json.h"

#include <gtest/gtest.h>

#include <limits>

namespace headroom {
namespace {

TEST(Json, TakesEveryIntegerType) {
  EXPECT_EQ(Json(static_cast<unsigned char>(7)), Json(7));
  EXPECT_EQ(Json(7L), Json(7));
  EXPECT_EQ(Json(7UL), Json(7));
  EXPECT_EQ(Json(7LL), Json(7));
  EXPECT_EQ(Json(7ULL), Json(7));
  EXPECT_EQ(Json(size_t{7}), Json(7));
  EXPECT_EQ(WriteJson(Json(UINT64_MAX)), "18446744073709551615");
  EXPECT_EQ(WriteJson(Json(true)), "true");
  EXPECT_FALSE((std::is_constructible_v<Json, const Json*>));  // must not become `true`
}

TEST(Json, ConvertsNumbersOnlyWithoutLoss) {
  EXPECT_EQ(Json(3.0).AsInt(), 3);
  EXPECT_EQ(Json(3.0).AsUint(), 3u);
  EXPECT_EQ(Json(3).AsDouble(), 3.0);
  EXPECT_EQ(Json(-3).AsUint(), std::nullopt);
  EXPECT_EQ(Json(-3.0).AsUint(), std::nullopt);
  EXPECT_EQ(Json(9223372036854775808.0).AsInt(), std::nullopt);
  EXPECT_EQ(Json(-9223372036854775808.0).AsInt(), INT64_MIN);
  EXPECT_EQ(Json(18446744073709551616.0).AsUint(), std::nullopt);
  EXPECT_EQ(Json(std::numeric_limits<double>::quiet_NaN()).AsInt(), std::nullopt);
  EXPECT_EQ(Json(std::numeric_limits<double>::infinity()).AsInt(), std::nullopt);
  EXPECT_EQ(Json("3").AsInt(), std::nullopt);
  EXPECT_EQ(Json(true).AsInt(), std::nullopt);
}

TEST(Json, FindsSetsAndRemoves) {
  Json json;
  json.Set("a", 1);
  json.Set("b", "x");
  json.Set("a", 2);
  EXPECT_EQ(WriteJson(json), R"({"a":2,"b":"x"})");
  EXPECT_EQ(json.Find("c"), nullptr);
  EXPECT_EQ(json.Find({"a", "b"}), nullptr);
  json.Make({"spec", "serving"}).Set("port", 8080);
  json.Make({"spec"}).Set("args", nullptr);
  json.Make({"list"}) = Json::MakeArray();
  EXPECT_EQ(*json.Find({"spec", "serving", "port"}), Json(8080));
  json.Remove("b");
  json.Remove("absent");
  EXPECT_EQ(WriteJson(json), R"({"a":2,"spec":{"serving":{"port":8080},"args":null},"list":[]})");
  Json list;
  list.Append(1);
  list.Append(Json::MakeObject());
  EXPECT_EQ(WriteJson(list), "[1,{}]");
}

TEST(Json, NamesItsTypes) {
  EXPECT_EQ(Json().TypeName(), "null");
  EXPECT_EQ(Json::MakeObject().TypeName(), "object");
  EXPECT_EQ(Json::MakeArray().TypeName(), "array");
  EXPECT_EQ(Json("").TypeName(), "string");
  EXPECT_EQ(Json(false).TypeName(), "boolean");
  EXPECT_EQ(Json(1.5).TypeName(), "number");
  EXPECT_EQ(Json(1).TypeName(), "number");
}

TEST(Json, WritesWhatOthersCanRead) {
  EXPECT_EQ(WriteJson(Json(std::numeric_limits<double>::quiet_NaN())), "null");
  EXPECT_EQ(WriteJson(Json(-std::numeric_limits<double>::infinity())), "null");
  EXPECT_EQ(WriteJson(Json("bad \xFF byte")), "\"bad \xEF\xBF\xBD byte\"");
  EXPECT_EQ(WriteJson(Json(std::string_view())), "\"\"");
  EXPECT_EQ(WriteJsonPretty(*ParseJson(R"({"a":[1,{}],"b":{}})")),
            "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": {}\n}\n");
}

// RFC 7396, appendix A, every row.
TEST(Json, MergePatchAppendix) {
  const struct {
    const char *target, *patch, *result;
  } kRows[] = {
      {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
      {R"({"a":"b"})", R"({"a":null})", R"({})"},
      {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
      {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
      {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
      {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
      {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
      {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
      {R"({"a":"foo"})", R"(null)", R"(null)"},
      {R"({"a":"foo"})", R"("bar")", R"("bar")"},
      {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
      {R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
      {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
  };
  for (const auto& row : kRows) {
    Json target = *ParseJson(row.target);
    MergePatch(target, *ParseJson(row.patch));
    EXPECT_EQ(WriteJson(target), row.result) << row.target << " + " << row.patch;
  }
}

}  // namespace
}  // namespace headroom

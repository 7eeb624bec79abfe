#include <gtest/gtest.h>

#include <cmath>

#include "common/json_fields.h"

namespace headroom {
namespace {

std::string Repeat(std::string_view text, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += text;
  return out;
}

TEST(JsonParse, RoundTripsInDocumentOrder) {
  const char* const kTexts[] = {
      "null",
      "true",
      "false",
      "0",
      "-1",
      "9223372036854775807",
      "-9223372036854775808",
      "18446744073709551615",
      "1.5",
      "0.1",
      "1.0",
      "5e-324",
      "1.7976931348623157e308",
      "\"\"",
      "\"\\u0000\\u001F\\\"\\\\\\n\"",
      "\"\xC3\xA9 \xF0\x9F\x98\x80\"",
      "[]",
      "{}",
      "[[],{},[1,[2,[3]]]]",
      R"({"z":1,"a":{"m":[true,null,"x"]},"b":-0.5})",
  };
  for (const char* text : kTexts) {
    const auto json = ParseJson(text);
    ASSERT_TRUE(json) << text << ": " << json.error().message();
    EXPECT_EQ(WriteJson(*json), text);
    const auto pretty = ParseJson(WriteJsonPretty(*json));
    ASSERT_TRUE(pretty) << text;
    EXPECT_EQ(*pretty, *json);
  }
}

TEST(JsonParse, KeepsIntegersExactAndDoublesCorrectlyRounded) {
  EXPECT_EQ(ParseJson("9007199254740993")->AsInt(), 9007199254740993);
  EXPECT_EQ(ParseJson("18446744073709551615")->AsUint(), UINT64_MAX);
  EXPECT_EQ(ParseJson("18446744073709551615")->AsInt(), std::nullopt);
  EXPECT_EQ(ParseJson("18446744073709551616")->AsDouble(), 18446744073709551616.0);
  EXPECT_EQ(ParseJson("123456789012345678901234567890")->AsDouble(), 1.2345678901234568e29);
  EXPECT_EQ(ParseJson("2.2250738585072011e-308")->AsDouble(), 2.2250738585072011e-308);
  EXPECT_EQ(ParseJson("0." + Repeat("0", 5000) + "1e-2147483639")->AsDouble(), 0.0);
  EXPECT_EQ(ParseJson("1e-99999999999999999999")->AsDouble(), 0.0);
  EXPECT_EQ(ParseJson("1.5e3")->AsInt(), 1500);
  EXPECT_EQ(ParseJson("1.5")->AsInt(), std::nullopt);
  EXPECT_TRUE(std::signbit(*ParseJson("-0.0")->AsDouble()));
}

TEST(JsonParse, LastDuplicateWinsInTheFirstPlace) {
  EXPECT_EQ(WriteJson(*ParseJson(R"({"a":1,"b":2,"a":3})")), R"({"a":3,"b":2})");
  EXPECT_EQ(WriteJson(*ParseJson(R"({"a":1,"\u0061":{"a":2,"a":[]}})")), R"({"a":{"a":[]}})");
  // A large object takes the sorting path.
  std::string text = R"({"k7":"old")";
  for (int i = 0; i < 100; ++i) text += ",\"k" + std::to_string(i) + "\":" + std::to_string(i);
  const auto json = ParseJson(text + R"(,"k99":"new"})");
  ASSERT_TRUE(json);
  EXPECT_EQ(json->AsObject()->size(), 100u);
  EXPECT_EQ(json->AsObject()->front().first, "k7");
  EXPECT_EQ(json->AsObject()->front().second, Json(7));
  EXPECT_EQ(*json->Find("k99"), Json("new"));
  EXPECT_EQ(*json->Find("k42"), Json(42));
}

TEST(JsonParse, RefusesHostileAndBrokenInput) {
  const std::string nul("[\"a\0b\"]", 7);
  const std::string after("1\0garbage", 9);
  const struct {
    std::string text;
    const char* why;
  } kRows[] = {
      {"", "the document is empty"},
      {"  \n", "the document is empty"},
      {Repeat("[", 100'000), "nested deeper than the limit of 256 levels"},
      {Repeat("{\"a\":", 100'000), "nested deeper than the limit of 256 levels"},
      {Repeat("[", 100'000) + Repeat("]", 100'000), "nested deeper"},
      {nul, "byte 3: NUL is not allowed"},
      {after, "byte 1: NUL is not allowed"},
      {"\"\xFF\"", "byte 1: invalid UTF-8"},
      {"\"\xED\xA0\x80\"", "byte 1: invalid UTF-8"},
      {R"("\ud800")", "surrogate pair in string is invalid"},
      {R"("\ud800x")", "surrogate pair in string is invalid"},
      {R"("\ud800\ud800")", "surrogate pair in string is invalid"},
      {R"("\udc00")", "surrogate pair in string is invalid"},
      {R"({"\udfff":1})", "surrogate pair in string is invalid"},
      {R"("\u12")", "hex digit"},
      {R"("\x")", "nvalid escape"},
      {"\"a\nb\"", "nvalid"},
      {"[1", "unexpected end of input"},
      {"[1,", "unexpected end of input"},
      {"{\"a\"", "unexpected end of input"},
      {"{\"a\":", "unexpected end of input"},
      {"\"abc", "unexpected end of input"},
      {"tru", "nvalid value"},
      {"[1,]", "byte 3"},
      {"{\"a\":1,}", "byte 7"},
      {"{a:1}", "byte 1"},
      {"{'a':1}", "byte 1"},
      {"01", "byte 1"},
      {"+1", "byte 0"},
      {".5", "byte 0"},
      {"1.", "fraction"},
      {"1e", "exponent"},
      {"-", "nvalid value"},
      {"NaN", "byte 0"},
      {"Infinity", "byte 0"},
      {"1e309", "too big"},
      {"-1e999999999999", "too big"},
      {Repeat("9", 400), "too big"},
      {"1 2", "byte 2"},
      {"// comment\n1", "byte 0"},
      {"\xEF\xBB\xBF{}", "byte 0"},
  };
  for (const auto& row : kRows) {
    const auto json = ParseJson(row.text);
    ASSERT_FALSE(json) << row.text.substr(0, 40);
    EXPECT_NE(json.error().message().find(row.why), std::string::npos)
        << row.text.substr(0, 40) << " -> " << json.error().message();
  }
}

TEST(JsonParse, LimitsAreExact) {
  const auto nested = [](size_t depth) { return Repeat("[", depth) + Repeat("]", depth); };
  EXPECT_TRUE(ParseJson(nested(256)));
  EXPECT_EQ(ParseJson(nested(257)).error().code(), Code::kTooLarge);
  EXPECT_TRUE(ParseJson(nested(3), {.max_depth = 3}));
  EXPECT_FALSE(ParseJson(nested(4), {.max_depth = 3}));
  EXPECT_TRUE(ParseJson("[1]", {.max_bytes = 3}));
  EXPECT_EQ(ParseJson("[12]", {.max_bytes = 3}).error().message(), "JSON: 4 bytes, the limit is 3");
  EXPECT_TRUE(ParseJson("[" + Repeat("[[]],", 1000) + "[]]", {.max_depth = 3}));
}

TEST(JsonParse, KeepsTheFieldsThatAreAskedForOnly) {
  const JsonFields object{"metadata.name", "spec.serving", "spec.size", "status.addresses.address"};
  JsonFields review{"kind"};
  review.Add("request.object", object);
  const struct {
    const char *text, *kept;
    const JsonFields& fields;
  } kRows[] = {
      {R"({"a":[{"metadata":1}],"metadata":{"x":{"name":2},"name":"n","y":[[]]},"z":null})",
       R"({"metadata":{"name":"n"}})", object},
      {R"({"spec":{"serving":{"a":[1,{"name":2}],"b":"\u0062"},"size":1e2,"s\u0069ze":3,"x":"\n"}})",
       R"({"spec":{"serving":{"a":[1,{"name":2}],"b":"b"},"size":3}})", object},
      {R"({"status":{"addresses":[{"type":"a","address":"1"},{"type":"b"},7],"x":[{}]}})",
       R"({"status":{"addresses":[{"address":"1"},{},7]}})", object},
      {R"({"kind":"k","request":{"uid":"u","object":{"spec":{"size":1},"b":{}},"oldObject":{}}})",
       R"({"kind":"k","request":{"object":{"spec":{"size":1}}}})", review},
      // Of another type than expected: for the reader to refuse.
      {R"({"metadata":"x","spec":[{"size":1,"y":2}]})", R"({"metadata":"x","spec":[{"size":1}]})",
       object},
      {"[1,[2]]", "[1,[2]]", object},
      {"{}", "{}", object},
  };
  for (const auto& row : kRows) {
    const auto json = ParseJson(row.text, row.fields);
    ASSERT_TRUE(json) << row.text << ": " << json.error().message();
    EXPECT_EQ(WriteJson(*json), row.kept);
  }
  for (const char* text : {R"({"x":{"a":tru}})", R"({"x":"\ud800"})", R"({"x":[1,]})",
                           R"({"x":01})", "{\"x\":\"\xFF\"}"}) {
    EXPECT_FALSE(ParseJson(text, object)) << "what is dropped is checked, too: " << text;
  }
  EXPECT_EQ(ParseJson("{\"x\":" + Repeat("[", 300), object).error().code(), Code::kTooLarge);
}

TEST(JsonParse, ReadsAViewWithoutTerminator) {
  const std::string text = "[1,2]junk";
  EXPECT_TRUE(ParseJson(std::string_view(text).substr(0, 5)));
}

}  // namespace
}  // namespace headroom

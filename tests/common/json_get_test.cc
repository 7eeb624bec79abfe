#include <gtest/gtest.h>

#include "common/json.h"

namespace headroom {
namespace {

Json Sample() {
  return *ParseJson(R"({
    "metadata": {"name": "llama", "annotations": {"headroom.dev/node": 7}},
    "spec": {"contextSize": "many", "ratio": 1, "fraction": 1.5, "on": true, "none": null,
             "whole": 2.0, "huge": 18446744073709551615,
             "args": ["--a", "--b"], "mixed": ["x", 3], "text": "t"}})");
}

TEST(JsonGet, ReturnsTypedMembers) {
  const Json json = Sample();
  EXPECT_EQ(*GetString(json, {"metadata", "name"}), "llama");
  EXPECT_EQ(*GetInt(json, {"spec", "whole"}), 2);
  EXPECT_EQ(*GetDouble(json, {"spec", "ratio"}), 1.0);
  EXPECT_EQ(*GetBool(json, {"spec", "on"}), true);
  EXPECT_EQ(*GetStrings(json, {"spec", "args"}), (std::vector<std::string>{"--a", "--b"}));
}

TEST(JsonGet, MissingAndNullAreNoError) {
  const Json json = Sample();
  EXPECT_EQ(*GetString(json, {"metadata", "absent"}), std::nullopt);
  EXPECT_EQ(*GetInt(json, {"spec", "none"}), std::nullopt);
  EXPECT_EQ(*GetInt(json, {"spec", "none", "deeper"}), std::nullopt);
  EXPECT_EQ(*GetBool(json, {"absent", "deeper"}), std::nullopt);
  EXPECT_EQ(*GetBool(Json(), {"a"}), std::nullopt);
  EXPECT_TRUE(GetStrings(json, {"spec", "none"})->empty());
  EXPECT_TRUE(GetStrings(Json(), {"spec"})->empty());
}

TEST(JsonGet, WrongTypeNamesThePath) {
  const Json json = Sample();
  EXPECT_EQ(GetInt(json, {"spec", "contextSize"}).error().message(),
            "spec.contextSize: expected an integer, found string");
  EXPECT_EQ(GetInt(json, {"spec", "fraction"}).error().message(),
            "spec.fraction: expected an integer, found 1.5");
  EXPECT_EQ(GetInt(json, {"spec", "huge"}).error().message(),
            "spec.huge: expected an integer, found 18446744073709551615");
  EXPECT_EQ(GetString(json, {"metadata", "annotations", "headroom.dev/node"}).error().message(),
            "metadata.annotations[headroom.dev/node]: expected a string, found number");
  EXPECT_EQ(GetBool(json, {"spec", "text", "deeper"}).error().message(),
            "spec.text: expected an object, found string");
  EXPECT_EQ(GetDouble(json, {"spec", "args"}).error().message(),
            "spec.args: expected a number, found array");
  EXPECT_EQ(GetStrings(json, {"spec", "mixed"}).error().message(),
            "spec.mixed[1]: expected a string, found number");
  EXPECT_EQ(GetStrings(json, {"spec", "text"}).error().message(),
            "spec.text: expected an array of strings, found string");
  EXPECT_EQ(GetInt(Json(1), {"a"}).error().message(), "value: expected an object, found number");
}

TEST(JsonGet, LenientFormsFallBack) {
  const Json json = Sample();
  EXPECT_EQ(StringOr(json, {"metadata", "name"}), "llama");
  EXPECT_EQ(StringOr(json, {"spec", "ratio"}, "none"), "none");
  EXPECT_EQ(IntOr(json, {"spec", "contextSize"}, 4), 4);
  EXPECT_EQ(IntOr(json, {"spec", "ratio"}, 4), 1);
  EXPECT_TRUE(BoolOr(json, {"spec", "absent"}, true));
  EXPECT_TRUE(BoolOr(json, {"spec", "on"}, false));
}

}  // namespace
}  // namespace headroom

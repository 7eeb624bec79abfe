#include "kube/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headroom::kube {
namespace {

using ::testing::HasSubstr;

std::string Keys(const std::vector<Json>& objects) {
  std::string out;
  for (const Json& object : objects) {
    const Meta meta = DecodeMeta(object);
    out += StringOr(object, {"kind"}) + " " + meta.Key() + "\n";
  }
  return out;
}

TEST(Manifests, ReadsDocumentsListsAndJson) {
  const struct {
    const char *text, *want;
  } cases[] = {
      {"", ""},
      {"---\n", ""},
      {"{kind: Model, metadata: {name: a}}\n---\n{kind: Node, metadata: {name: n}}\n",
       "Model default/a\nNode /n\n"},
      {R"({"kind":"Model","metadata":{"name":"a","namespace":"x"}})", "Model x/a\n"},
      {"{kind: List, items: [{kind: Model, metadata: {name: a}}]}", "Model default/a\n"},
      {R"({"kind":"NodeList","items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]})",
       "Node /a\nNode /b\n"},
  };
  for (const auto& c : cases) {
    const auto objects = ParseManifests(c.text, "f");
    ASSERT_TRUE(objects) << objects.error().message();
    EXPECT_EQ(Keys(*objects), c.want);
  }
}

TEST(Manifests, ErrorsNameFileAndDocument) {
  const struct {
    const char *text, *want;
  } cases[] = {
      {"{kind: Model, metadata: {name: a}}\n---\n{metadata: {name: a}}\n",
       "f: document 2: kind is missing"},
      {"kind: Model\n", "f: document 1: Model: metadata.name is missing"},
      {"- 1\n", "f: document 1: expected an object"},
      {"{kind: List, items: [{metadata: {name: a}}]}", "f: document 1: items: kind is missing"},
      {"a: [\n", "f:"},
      {"{\"a\": ", "f:"},
  };
  for (const auto& c : cases) {
    const auto objects = ParseManifests(c.text, "f");
    ASSERT_FALSE(objects) << c.text;
    EXPECT_THAT(objects.error().message(), HasSubstr(c.want));
  }
}

TEST(ObjectSet, TellsOnlyWhatChanged) {
  const auto parse = [](const char* text) { return ParseManifests(text, "f").value(); };
  ObjectSet set;
  const char* kTwo =
      "{kind: Model, metadata: {name: a}, spec: 1}\n---\n{kind: Model, metadata: {name: b}}\n";
  EXPECT_EQ(set.Replace(parse(kTwo)).size(), 2u);
  EXPECT_EQ(set.Replace(parse(kTwo)).size(), 0u);
  const auto changed = set.Replace(parse("{kind: Model, metadata: {name: a}, spec: 2}"));
  ASSERT_EQ(changed.size(), 2u);
  EXPECT_EQ(changed[0].type, ObjectEvent::Type::kUpsert);
  EXPECT_EQ(changed[0].object.Find("spec")->AsInt(), 2);
  EXPECT_EQ(changed[1].type, ObjectEvent::Type::kDelete);
  EXPECT_EQ(DecodeMeta(changed[1].object).name, "b");
  EXPECT_EQ(set.size(), 1u);
}

TEST(ObjectSet, OfTwoWithOneNameTheLastWins) {
  ObjectSet set;
  const auto events = set.Replace(
      ParseManifests(
          "{kind: A, metadata: {name: x}, n: 1}\n---\n{kind: A, metadata: {name: x}, n: 2}", "f")
          .value());
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].object.Find("n")->AsInt(), 2);
}

}  // namespace
}  // namespace headroom::kube

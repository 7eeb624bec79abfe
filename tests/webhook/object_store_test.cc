#include "webhook/object_store.h"

#include <gtest/gtest.h>

#include "tests/webhook/objects.h"

namespace headroom::webhook {
namespace {

using kube::Kind;
using namespace testing;

std::vector<std::string> NamesOf(const std::vector<kube::InferenceService>& services) {
  std::vector<std::string> names;
  for (const auto& service : services) names.push_back(service.meta.name);
  return names;
}
using List = std::vector<std::string>;

TEST(ObjectStore, KeepsWhatIsAskedAboutAndNothingElse) {
  ObjectStore store;
  Json model = ModelObject("llama", 4096, "hf://org/repo/a.gguf");
  model.Make({"metadata", "generateName"}) = "lla";
  model.Make({"metadata", "labels", "app"}) = "x";
  model.Make({"metadata", "annotations", "headroom.dev/claimed-by"}) = "mac-1";
  model.Make({"metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"}) =
      "{}";
  EXPECT_EQ(store.Put(Kind::kModel, model), "team-a/llama");
  const auto found = store.FindModel("team-a/llama");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->source, "hf://org/repo/a.gguf");
  EXPECT_EQ(found->accelerator, "metal");
  EXPECT_EQ(found->meta.generate_name, "lla");
  EXPECT_EQ(found->serving->context_size, 4096);
  EXPECT_EQ(found->meta.annotations.size(), 1u);
  EXPECT_EQ(found->meta.annotations.at("headroom.dev/claimed-by"), "mac-1");
  EXPECT_TRUE(found->meta.labels.empty());
  EXPECT_FALSE(store.FindModel("team-a/other"));
  EXPECT_FALSE(store.FindService("team-a/llama"));
}

TEST(ObjectStore, FindsObjectsByWhatTheyReferToThroughEveryChange) {
  ObjectStore store;
  for (const char* name : {"b", "a", "c"}) {
    store.Put(Kind::kInferenceService, ServiceObject(name, "llama", 512));
    store.Put(Kind::kModel, ModelObject(name, 0, "/models/x.gguf"));
  }
  EXPECT_EQ(NamesOf(store.ServicesOf("team-a/llama")), (List{"a", "b", "c"}));
  EXPECT_EQ(store.ModelsOf("/models/x.gguf").size(), 3u);
  store.Put(Kind::kInferenceService, ServiceObject("b", "qwen", 512));
  store.Put(Kind::kInferenceService, ServiceObject("c", "llama", 1024));
  store.Put(Kind::kModel, ModelObject("b", 0, "/models/y.gguf"));
  store.Erase(Kind::kInferenceService, "team-a/a");
  store.Erase(Kind::kModel, "team-a/a");
  store.Erase(Kind::kModel, "team-a/a");
  EXPECT_EQ(NamesOf(store.ServicesOf("team-a/llama")), List{"c"});
  EXPECT_EQ(NamesOf(store.ServicesOf("team-a/qwen")), List{"b"});
  EXPECT_EQ(store.ModelsOf("/models/x.gguf").size(), 1u);
  EXPECT_EQ(store.ModelsOf("/models/y.gguf").size(), 1u);
  EXPECT_EQ(store.services(), 2u);
  EXPECT_EQ(store.models(), 2u);
}

}  // namespace
}  // namespace headroom::webhook

#include "exporter/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "common/files.h"
#include "sources/source.h"
#include "sources/store_path.h"

namespace headroom::exporter {
namespace {

namespace fs = std::filesystem;

TEST(HeaderRoute, Authorization) {
  EXPECT_TRUE(IsAuthorized("Bearer secret", "secret"));
  for (const char* bad : {"", "secret", "Bearer ", "Bearer secre", "Bearer secret ",
                          "Bearer sEcret", "bearer secret", "Basic secret"}) {
    EXPECT_FALSE(IsAuthorized(bad, "secret")) << bad;
  }
  EXPECT_FALSE(IsAuthorized("Bearer ", "")) << "an empty token lets nobody in";
}

TEST(HeaderRoute, ResolvesOnlyBelowTheRoots) {
  char name[] = "/tmp/headroom-roots-XXXXXX";
  ASSERT_NE(mkdtemp(name), nullptr);
  const std::string top = fs::canonical(name).string();
  fs::create_directories(top + "/models/sub");
  fs::create_directories(top + "/models-2");
  for (const char* file : {"/models/a.gguf", "/models/sub/b.gguf", "/models-2/c", "/secret"}) {
    ASSERT_TRUE(WriteFileAtomically(top + file, "x"));
  }
  fs::create_symlink(top + "/secret", top + "/models/out");
  fs::create_symlink(top + "/models/a.gguf", top + "/models/in");
  const std::vector<std::string> roots = {top + "/models"};
  EXPECT_EQ(*ResolveBelow(top + "/models/a.gguf", roots), top + "/models/a.gguf");
  EXPECT_EQ(*ResolveBelow(top + "/models/sub/../in", roots), top + "/models/a.gguf");
  EXPECT_EQ(ResolveBelow(top + "/models/none", roots).error().code(), Code::kNotFound);
  EXPECT_EQ(ResolveBelow(top + "/models/sub", roots).error().code(), Code::kNotFound);
  for (const char* bad :
       {"/models", "/models/out", "/models/../secret", "/models-2/c", "/secret", "/none"}) {
    EXPECT_EQ(ResolveBelow(top + bad, roots).error().code(), Code::kUnauthorized) << bad;
  }
  EXPECT_EQ(ResolveBelow("models/a.gguf", roots).error().code(), Code::kInvalid);
  EXPECT_EQ(ResolveBelow("", roots).error().code(), Code::kInvalid);
  EXPECT_FALSE(ResolveBelow(top + "/models/a.gguf", {}));
  fs::remove_all(top);
}

TEST(HeaderRoute, FindsFetchedSourcesInTheStoreOnly) {
  char name[] = "/tmp/headroom-store-XXXXXX";
  ASSERT_NE(mkdtemp(name), nullptr);
  const std::string top = fs::canonical(name).string();
  const std::string source = "hf://owner/repo/a-00001-of-00002.gguf";
  const auto files = sources::StoreFiles(top + "/store", *sources::ParseSource(source));
  ASSERT_EQ(files.size(), 2u);
  fs::create_directories(fs::path(files[0].path).parent_path());
  ASSERT_TRUE(WriteFileAtomically(files[0].path, "x"));
  ASSERT_TRUE(WriteFileAtomically(files[1].path + ".partial", "x"));
  const HeaderRouteOptions options{{}, top + "/store", "token"};
  const auto find = [&options](const std::string& query) {
    return FindHeaderFile(options, *net::ParseTarget("/v1/header?" + query));
  };
  const std::string asked = "source=" + net::PercentEncode(source);
  EXPECT_EQ(*find(asked + "&part=1"), files[0].path);
  EXPECT_EQ(*find("path=" + net::PercentEncode(files[0].path)), files[0].path);
  const std::pair<std::string, Code> refused[] = {
      {asked + "&part=2", Code::kNotFound},  // not complete yet
      {asked + "&part=3", Code::kInvalid},
      {asked + "&part=0", Code::kInvalid},
      {asked + "&part=1x", Code::kInvalid},
      {asked, Code::kInvalid},
      {"source=hf%3A%2F%2Fo%2Fr%2Fother.gguf&part=1", Code::kNotFound},
      {"source=%2Fetc%2Fpasswd&part=1", Code::kInvalid},
      {"source=http%3A%2F%2Fh%2Fa&part=1", Code::kInvalid},
      {"path=%2Fetc%2Fpasswd", Code::kUnauthorized},
      {"", Code::kInvalid},
  };
  for (const auto& [query, code] : refused) {
    const auto found = find(query);
    ASSERT_FALSE(found) << query;
    EXPECT_EQ(found.error().code(), code) << query << ": " << found.error().message();
  }
  fs::remove_all(top);
}

TEST(Routes, ModelsPage) {
  ModelView view;
  view.kind = "Model";
  view.ns = "a";
  view.name = "b";
  view.state = State::kReady;
  view.pid = 42;
  view.port = 19900;
  view.footprint = 7;
  view.endpoint = "http://127.0.0.1:19900";
  view.load_duration = std::chrono::milliseconds(1500);
  view.fields_ignored = {"spec.env: no"};
  view.events.Add({false, "Ready", "serving"}, *ParseRfc3339("2026-01-02T03:04:05Z"));
  const Runtime runtime{"/bin/llama-server", "0.7.0", {}};
  EXPECT_EQ(
      WriteJson(ModelsJson({view}, runtime, "mac-1")),
      R"({"node":"mac-1","llamaServer":{"path":"/bin/llama-server","version":"0.7.0"},)"
      R"("models":[{"kind":"Model","namespace":"a","name":"b","state":"ready","reason":"",)"
      R"("fieldsIgnored":["spec.env: no"],)"
      R"("pid":42,"port":19900,"endpoint":"http://127.0.0.1:19900","footprintBytes":7,)"
      R"("restarts":0,"startedAt":null,"loadSeconds":1.5,"events":[{"time":"2026-01-02T03:04:05Z",)"
      R"("count":1,"warning":false,"reason":"Ready","message":"serving"}]}]})");
}

}  // namespace
}  // namespace headroom::exporter

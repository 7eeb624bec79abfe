#include <gmock/gmock.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>

#include "common/files.h"
#include "kube/object_feed.h"
#include "tests/kube/api_fixture.h"

namespace headroom::kube {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

class FileFeed : public ApiTest {
 protected:
  FileFeed() {
    std::string name = ::testing::TempDir() + "manifests-XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~FileFeed() override { std::filesystem::remove_all(folder_); }

  void Write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(WriteFileAtomically(folder_ + "/" + name, text));
  }
  ObjectSink Sink() {
    return [this](ObjectEvent event) {
      const std::string key = DecodeMeta(event.object).Key();
      switch (event.type) {
        case ObjectEvent::Type::kUpsert: log_.push_back("+" + key); break;
        case ObjectEvent::Type::kDelete: log_.push_back("-" + key); break;
        case ObjectEvent::Type::kSynced: log_.push_back("synced"); break;
      }
    };
  }
  void RunUntilLogHas(size_t count) {
    RunUntil([this, count] { return log_.size() >= count; });
  }

  std::string folder_;
  std::vector<std::string> log_;
  FeedStatus status_;
};

TEST_F(FileFeed, FollowsAFolder) {
  Write("a.yaml", "{kind: Model, metadata: {name: a}}");
  Write("notes.txt", "not: [a manifest");
  tasks_.Spawn(RunManifestFolder(folder_, 1ms, Sink(), status_));
  RunUntilLogHas(2);
  EXPECT_THAT(log_, ElementsAre("+default/a", "synced"));
  Write("b.json", R"({"kind":"Model","metadata":{"name":"b","namespace":"x"}})");
  RunUntilLogHas(3);
  std::filesystem::remove(folder_ + "/a.yaml");
  RunUntilLogHas(4);
  EXPECT_THAT(log_, ElementsAre("+default/a", "synced", "+x/b", "-default/a"));
}

TEST_F(FileFeed, ABrokenFileKeepsItsLastGoodObjects) {
  Write("a.yaml", "{kind: Model, metadata: {name: a}}");
  tasks_.Spawn(RunManifestFolder(folder_, 1ms, Sink(), status_));
  RunUntilLogHas(2);
  Write("a.yaml", "{kind: Model, metadata: {name: ");
  Write("b.yaml", "{kind: Model, metadata: {name: b}}");
  RunUntilLogHas(3);
  Write("a.yaml", "{kind: Model, metadata: {name: a}, spec: {}}");
  RunUntilLogHas(4);
  EXPECT_THAT(log_, ElementsAre("+default/a", "synced", "+default/b", "+default/a"));
}

TEST_F(FileFeed, AMissingFolderIsToldAndAwaited) {
  const std::string later = folder_ + "/later";
  tasks_.Spawn(RunManifestFolder(later, 1ms, Sink(), status_));
  RunUntil([this] { return !status_.last_error.empty(); });
  EXPECT_THAT(status_.last_error, HasSubstr(later));
  EXPECT_FALSE(status_.synced);
  std::filesystem::create_directory(later);
  RunUntilLogHas(1);
  EXPECT_THAT(log_, ElementsAre("synced"));
  EXPECT_EQ(status_.last_error, "");
}

TEST_F(FileFeed, ReadsNodesFromAFile) {
  Write("nodes", "{kind: Node, metadata: {name: n1}}");
  net::HttpClient http(context_.get_executor());
  tasks_.Spawn(RunNodeList(http, folder_ + "/nodes", 1ms, Sink(), status_));
  RunUntilLogHas(2);
  Write("nodes", "{kind: Model, metadata: {name: m}}");
  RunUntil([this] { return !status_.last_error.empty(); });
  EXPECT_THAT(status_.last_error, HasSubstr("expected Node objects (--nodes), found kind Model"));
  EXPECT_THAT(log_, ElementsAre("+/n1", "synced"));
  tasks_.Cancel();
  Run(tasks_.Join());
}

TEST_F(FileFeed, ReadsNodesFromAUrl) {
  int calls = 0;
  api_.OnRequest([&calls](const FakeRequest&) {
    if (++calls == 2) return FakeReply{500, "", "oops"};
    return FakeReply{200, "",
                     R"({"kind":"Node","metadata":{"name":"n)" + std::to_string(calls) + R"("}})"};
  });
  const std::string url =
      "http://127.0.0.1:" + std::to_string(api_.ClientConfig().server.port) + "/v1/node";
  net::HttpClient http(context_.get_executor());
  tasks_.Spawn(RunNodeList(http, url, 1ms, Sink(), status_));
  RunUntilLogHas(4);
  EXPECT_THAT(log_, ElementsAre("+/n1", "synced", "+/n3", "-/n1"));
  EXPECT_EQ(api_.requests()[0].target, "/v1/node");
  tasks_.Cancel();
  Run(tasks_.Join());
}

}  // namespace
}  // namespace headroom::kube

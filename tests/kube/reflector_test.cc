#include <gmock/gmock.h>

#include "kube/object_feed.h"
#include "tests/kube/api_fixture.h"

namespace headroom::kube {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Json Item(const std::string& name, const std::string& version) {
  Json object = Json::MakeObject();
  object.Make({"metadata"}).Set("name", name);
  object.Make({"metadata"}).Set("namespace", "ns");
  object.Make({"metadata"}).Set("resourceVersion", version);
  return object;
}

FakeReply List(const std::vector<Json>& items, const std::string& version,
               const std::string& next = "") {
  Json list = Json::MakeObject();
  list.Make({"metadata"}).Set("resourceVersion", version);
  if (!next.empty()) list.Make({"metadata"}).Set("continue", next);
  list.Set("items", Json(Json::Array(items.begin(), items.end())));
  return JsonReply(200, list);
}

std::string Event(const std::string& type, const Json& object) {
  Json event = Json::MakeObject();
  event.Set("type", type);
  event.Set("object", object);
  return WriteJson(event) + "\n";
}

class Reflector : public ApiTest {
 protected:
  // Answers are taken from `script_` in order; the last one stays.
  void Start() {
    api_.OnRequest([this](const FakeRequest&) {
      const FakeReply reply = script_.front();
      if (script_.size() > 1) script_.erase(script_.begin());
      return reply;
    });
    const Backoff fast(std::chrono::milliseconds(1), std::chrono::milliseconds(2));
    tasks_.Spawn(RunReflector(*client_, TypeOf(Kind::kModel), Sink(), status_, fast));
  }
  ObjectSink Sink() {
    return [this](ObjectEvent event) {
      const std::string name = StringOr(event.object, {"metadata", "name"});
      switch (event.type) {
        case ObjectEvent::Type::kUpsert: log_.push_back("+" + name); break;
        case ObjectEvent::Type::kDelete: log_.push_back("-" + name); break;
        case ObjectEvent::Type::kSynced: log_.push_back("synced"); break;
      }
    };
  }
  void RunUntilLogHas(size_t count) {
    RunUntil([this, count] { return log_.size() >= count; });
  }

  const FakeReply open_ =
      StreamReply({Event("BOOKMARK", Item("", "90"))}, FakeReply::End::kStayOpen);
  std::vector<FakeReply> script_;
  std::vector<std::string> log_;
  FeedStatus status_;
};

TEST_F(Reflector, ListsInPagesThenWatchesFromTheListsVersion) {
  script_ = {List({Item("a", "1")}, "10", "token/1"), List({Item("b", "2")}, "10"), open_};
  Start();
  RunUntil([this] { return api_.requests().size() == 3; });
  EXPECT_THAT(log_, ElementsAre("+a", "+b", "synced"));
  EXPECT_THAT(api_.requests()[0].target, HasSubstr("limit=500"));
  EXPECT_THAT(api_.requests()[1].target, HasSubstr("continue=token%2F1"));
  EXPECT_THAT(api_.requests()[2].target, HasSubstr("resourceVersion=10"));
  EXPECT_TRUE(status_.synced);
  EXPECT_EQ(status_.relists, 1u);
  EXPECT_EQ(status_.last_error, "");
}

TEST_F(Reflector, GoesOnFromTheBookmarkWhenAWatchEnds) {
  script_ = {List({}, "10"),
             StreamReply({Event("ADDED", Item("a", "11")), Event("MODIFIED", Item("a", "12")),
                          Event("DELETED", Item("a", "13")), Event("BOOKMARK", Item("", "50"))},
                         FakeReply::End::kProper),
             open_};
  Start();
  RunUntil([this] { return api_.requests().size() == 3; });
  EXPECT_THAT(log_, ElementsAre("synced", "+a", "+a", "-a"));
  EXPECT_THAT(api_.requests()[2].target, HasSubstr("resourceVersion=50"));
  EXPECT_EQ(status_.relists, 1u);
}

TEST_F(Reflector, RelistsOn410AndDeletesWhatVanished) {
  script_ = {List({Item("a", "1"), Item("b", "2")}, "10"),
             StreamReply({Event("ADDED", Item("c", "11")),
                          "{\"type\":\"ERROR\",\"object\":{\"code\":410,\"message\":\"old\"}}\n"},
                         FakeReply::End::kProper),
             List({Item("b", "2")}, "20"), open_};
  Start();
  RunUntil([this] { return api_.requests().size() == 4; });
  EXPECT_THAT(log_, ElementsAre("+a", "+b", "synced", "+c", "+b", "-a", "-c", "synced"));
  EXPECT_THAT(api_.requests()[3].target, HasSubstr("resourceVersion=20"));
  EXPECT_EQ(status_.relists, 2u);
}

TEST_F(Reflector, StartsAListOverWhoseTokenExpired) {
  script_ = {List({Item("a", "1"), Item("b", "1")}, "10", "t"), StatusReply(410, "expired"),
             List({Item("b", "1")}, "11"), open_};
  Start();
  RunUntil([this] { return api_.requests().size() == 4; });
  EXPECT_THAT(log_, ElementsAre("+a", "+b", "+b", "-a", "synced"));
  EXPECT_THAT(api_.requests()[2].target, ::testing::Not(HasSubstr("limit=")));
}

TEST_F(Reflector, AMidObjectCutResumesWithoutAList) {
  script_ = {
      List({}, "10"),
      StreamReply({Event("ADDED", Item("a", "11")), "{\"type\":\"ADD"}, FakeReply::End::kCut),
      StreamReply({Event("ADDED", Item("b", "12"))}, FakeReply::End::kStayOpen)};
  Start();
  RunUntilLogHas(3);
  EXPECT_THAT(log_, ElementsAre("synced", "+a", "+b"));
  EXPECT_THAT(api_.requests()[2].target, HasSubstr("resourceVersion=11"));
}

TEST_F(Reflector, AFailingListIsToldAndRetried) {
  script_ = {StatusReply(404, "the server could not find the requested resource"),
             StatusReply(503, "starting"), List({Item("a", "1")}, "10"), open_};
  Start();
  RunUntil([this] { return !status_.last_error.empty(); });
  EXPECT_THAT(status_.last_error, HasSubstr("could not find"));
  EXPECT_FALSE(status_.synced);
  RunUntilLogHas(2);
  EXPECT_THAT(log_, ElementsAre("+a", "synced"));
  EXPECT_EQ(status_.last_error, "");
}

TEST_F(Reflector, FollowsOneObjectOnly) {
  script_ = {List({Item("a", "5")}, "7"), StreamReply({}, FakeReply::End::kStayOpen)};
  api_.OnRequest([this](const FakeRequest&) {
    const FakeReply reply = script_.front();
    if (script_.size() > 1) script_.erase(script_.begin());
    return reply;
  });
  tasks_.Spawn(RunReflector(*client_, kSecretType, Sink(), status_, kReflectorBackoff,
                            {.ns = "ns", .name = "a"}));
  RunUntil([this] { return api_.requests().size() >= 2; });
  EXPECT_EQ(api_.requests()[0].target,
            "/api/v1/namespaces/ns/secrets?fieldSelector=metadata.name%3Da&limit=500");
  EXPECT_THAT(api_.requests()[1].target,
              HasSubstr("/secrets?fieldSelector=metadata.name%3Da&watch=1&"));
}

}  // namespace
}  // namespace headroom::kube

#include "kube/client.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

#include "tests/kube/api_fixture.h"

namespace headroom::kube {
namespace {

using ::testing::HasSubstr;

class Client : public ApiTest {};

Json Named(const std::string& name) {
  Json object = Json::MakeObject();
  object.Make({"metadata"}).Set("name", name);
  return object;
}

TEST_F(Client, SendsWhatTheApiExpects) {
  api_.OnRequest([](const FakeRequest&) { return JsonReply(200, Named("x")); });
  const Json patch = Named("y");
  ASSERT_TRUE(Run(client_->Get("/api/v1/nodes/x")));
  ASSERT_TRUE(Run(client_->Create("/api/v1/nodes", patch)));
  ASSERT_TRUE(Run(client_->MergePatch("/api/v1/nodes/x", patch)));
  ASSERT_TRUE(Run(client_->Update("/api/v1/nodes/x", patch)));
  ASSERT_TRUE(Run(client_->Delete("/api/v1/nodes/x")));
  const auto& requests = api_.requests();
  ASSERT_EQ(requests.size(), 5u);
  EXPECT_EQ(requests[0].method + " " + requests[0].target, "GET /api/v1/nodes/x");
  EXPECT_EQ(requests[0].Header("Accept"), "application/json");
  EXPECT_EQ(requests[1].method, "POST");
  EXPECT_EQ(requests[1].Header("Content-Type"), "application/json");
  EXPECT_EQ(requests[1].body, R"({"metadata":{"name":"y"}})");
  EXPECT_EQ(requests[2].method, "PATCH");
  EXPECT_EQ(requests[2].Header("Content-Type"), "application/merge-patch+json");
  EXPECT_EQ(requests[3].method, "PUT");
  EXPECT_EQ(requests[4].method, "DELETE");
}

TEST_F(Client, AppliesFieldsAsTheirManager) {
  api_.OnRequest([](const FakeRequest&) { return JsonReply(200, Named("x")); });
  ASSERT_TRUE(Run(client_->Apply("/apis/g/v1/things/x", Named("x"), "some one")));
  const auto& request = api_.requests().at(0);
  EXPECT_EQ(request.method + " " + request.target,
            "PATCH /apis/g/v1/things/x?force=true&fieldManager=some%20one");
  EXPECT_EQ(request.Header("Content-Type"), "application/apply-patch+yaml");
}

TEST_F(Client, KnowsTheServersTime) {
  const auto near = [](WallTime a, WallTime b) {
    return std::chrono::abs(a - b) < std::chrono::seconds(5);
  };
  EXPECT_TRUE(near(client_->ServerTime(), std::chrono::system_clock::now()));
  api_.OnRequest([](const FakeRequest&) {
    return FakeReply{200, "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", "{}"};
  });
  ASSERT_TRUE(Run(client_->Get("/x")));
  EXPECT_TRUE(near(client_->ServerTime(), *ParseRfc3339("1994-11-06T08:49:37Z")));
  api_.OnRequest([](const FakeRequest&) { return FakeReply{200, "Date: soon\r\n", "{}"}; });
  ASSERT_TRUE(Run(client_->Get("/x")));
  EXPECT_TRUE(near(client_->ServerTime(), *ParseRfc3339("1994-11-06T08:49:37Z")));
}

TEST_F(Client, ErrorsCarryTheServersMessage) {
  const struct {
    int status;
    Code code;
  } cases[] = {{404, Code::kNotFound},     {409, Code::kConflict}, {410, Code::kGone},
               {403, Code::kUnauthorized}, {422, Code::kInvalid},  {500, Code::kUnavailable}};
  for (const auto& c : cases) {
    api_.OnRequest([&c](const FakeRequest&) { return StatusReply(c.status, "because"); });
    const auto got = Run(client_->Get("/x"));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code(), c.code) << c.status;
    EXPECT_EQ(got.error().message(), "because");
  }
}

TEST_F(Client, DeletingTheAbsentIsSuccess) {
  api_.OnRequest([](const FakeRequest&) { return StatusReply(404, "not found"); });
  EXPECT_TRUE(Run(client_->Delete("/x")));
}

TEST_F(Client, WaitsAsRetryAfterAsksAndGivesUp) {
  int calls = 0;
  api_.OnRequest([&calls](const FakeRequest&) {
    return ++calls < 3 ? StatusReply(429, "busy", "Retry-After: 0\r\n")
                       : JsonReply(200, Named("x"));
  });
  EXPECT_TRUE(Run(client_->Get("/x")));
  EXPECT_EQ(calls, 3);
  api_.OnRequest([](const FakeRequest&) { return StatusReply(429, "busy", "Retry-After: 0\r\n"); });
  const auto got = Run(client_->Get("/x"));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), Code::kUnavailable);
  EXPECT_EQ(got.error().message(), "busy");
}

TEST_F(Client, ReadsTheTokenFileAtEachRequest) {
  const std::string path = ::testing::TempDir() + "token-" + std::to_string(getpid());
  const auto write = [&path](const char* token) { std::ofstream(path) << token << "\n"; };
  write("first");
  Config config = api_.ClientConfig();
  config.token_file = path;
  config.server.target = "/prefix/";
  auto client = ApiClient::Make(context_.get_executor(), config);
  ASSERT_TRUE(client) << client.error().message();
  api_.OnRequest([](const FakeRequest&) { return JsonReply(200, Json::MakeObject()); });
  ASSERT_TRUE(Run((*client)->Get("/a")));
  write("second");
  ASSERT_TRUE(Run((*client)->Get("/a")));
  unlink(path.c_str());  // being replaced: the last one stays
  ASSERT_TRUE(Run((*client)->Get("/a")));
  ASSERT_EQ(api_.requests().size(), 3u);
  EXPECT_EQ(api_.requests()[0].target, "/prefix/a");
  EXPECT_EQ(api_.requests()[0].Header("Authorization"), "Bearer first");
  EXPECT_EQ(api_.requests()[1].Header("Authorization"), "Bearer second");
  EXPECT_EQ(api_.requests()[2].Header("Authorization"), "Bearer second");
}

TEST_F(Client, UnreadableCredentialsAreAnErrorAtTheStart) {
  Config config = api_.ClientConfig();
  config.token_file = "/nonexistent/token";
  const auto client = ApiClient::Make(context_.get_executor(), config);
  ASSERT_FALSE(client);
  EXPECT_THAT(client.error().message(), HasSubstr("/nonexistent/token"));
}

struct Seen {
  std::vector<std::string> types;
  ApiClient::OnEvent Handler() {
    return [this](std::string_view type, Json) -> Result<void> {
      types.emplace_back(type);
      return {};
    };
  }
};

TEST_F(Client, WatchHandsEventsOnHoweverTheyAreCut) {
  const std::string event = R"({"type":"ADDED","object":{"metadata":{"name":"a"}}})";
  api_.OnRequest([&event](const FakeRequest&) {
    return StreamReply({event.substr(0, 9), event.substr(9) + "\n" + event, "\n"},
                       FakeReply::End::kProper);
  });
  Seen seen;
  const auto watched = Run(client_->Watch("/api/v1/nodes", "42", seen.Handler()));
  ASSERT_TRUE(watched) << watched.error().message();
  EXPECT_EQ(seen.types, (std::vector<std::string>{"ADDED", "ADDED"}));
  const std::string& target = api_.requests()[0].target;
  EXPECT_THAT(target, HasSubstr("watch=1"));
  EXPECT_THAT(target, HasSubstr("allowWatchBookmarks=true"));
  EXPECT_THAT(target, HasSubstr("resourceVersion=42"));
  EXPECT_THAT(target, HasSubstr("timeoutSeconds="));
}

TEST_F(Client, WatchEndsWithTheReason) {
  const struct {
    FakeReply reply;
    Code code;
  } cases[] = {
      {StatusReply(410, "too old"), Code::kGone},
      {StreamReply({"{\"type\":\"ERROR\",\"object\":{\"code\":410}}\n"}, FakeReply::End::kProper),
       Code::kGone},
      {StreamReply({"{\"type\":\"ADD"}, FakeReply::End::kCut), Code::kUnavailable},
      {StreamReply({"{\"type\":\"ADD"}, FakeReply::End::kProper), Code::kUnavailable},
      {StreamReply({"<html>\n"}, FakeReply::End::kProper), Code::kInvalid},
      {StatusReply(403, "no"), Code::kUnauthorized},
  };
  for (const auto& c : cases) {
    api_.OnRequest([&c](const FakeRequest&) { return c.reply; });
    Seen seen;
    const auto watched = Run(client_->Watch("/w", "1", seen.Handler()));
    ASSERT_FALSE(watched);
    EXPECT_EQ(watched.error().code(), c.code) << watched.error().message();
    EXPECT_TRUE(seen.types.empty());
  }
}

TEST_F(Client, NoServerIsUnavailable) {
  Config config = api_.ClientConfig();
  api_.Stop();
  Run(api_.Join());
  {
    boost::asio::ip::tcp::acceptor unused(context_, {boost::asio::ip::address_v4::loopback(), 0});
    config.server.port = unused.local_endpoint().port();
  }
  auto client = ApiClient::Make(context_.get_executor(), config);
  const auto got = Run((*client)->Get("/x"));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), Code::kUnavailable);
}

}  // namespace
}  // namespace headroom::kube

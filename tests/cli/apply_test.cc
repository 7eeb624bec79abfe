// Manifests, reviews and the folder they are kept in; the conversation with a real webhook is in
// the end-to-end tests.
#include <gmock/gmock.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <filesystem>
#include <sstream>
#include <thread>

#include "cli/cli.h"
#include "cli/manifest_folder.h"
#include "cli/webhook_client.h"
#include "common/files.h"
#include "net/http_server.h"

namespace headroom::cli {
namespace {

using ::testing::HasSubstr;

class ApplyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "apply-XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = folder_ + "/" + name;
    EXPECT_TRUE(WriteFileAtomically(path, text));
    return path;
  }
  int Call(const Arguments& arguments) {
    out_.str("");
    err_.str("");
    return cli::Run(arguments, {out_, err_});
  }

  std::string folder_;
  std::ostringstream out_, err_;
};

constexpr char kModel[] =
    "apiVersion: inference.llmkube.dev/v1alpha1\nkind: Model\n"
    "metadata: {name: tiny}\nspec: {source: /m/tiny.gguf}\n";

TEST_F(ApplyTest, ReadsDocumentsAndListsWithTheDefaultNamespace) {
  const std::string file = Write("m.yaml", std::string(kModel) +
                                               "---\nkind: List\nitems:\n- kind: InferenceService\n"
                                               "  metadata: {name: chat, namespace: team-a}\n");
  const auto objects = ReadManifests(file);
  ASSERT_TRUE(objects) << objects.error().message();
  ASSERT_EQ(objects->size(), 2u);
  EXPECT_EQ(NameOf((*objects)[0]), "model default/tiny");
  EXPECT_EQ(NameOf((*objects)[1]), "inferenceservice team-a/chat");
}

TEST_F(ApplyTest, BadManifestsNameFileObjectAndField) {
  const struct {
    const char* text;
    const char* expected;
  } cases[] = {
      {"kind: Pod\nmetadata: {name: x}\n",
       "object 1: kind: expected Model or InferenceService, found 'Pod'"},
      {"kind: Model\nmetadata: {name: ../../etc/passwd}\n", "object 1: metadata.name: expected"},
      {"kind: Model\nmetadata: {name: a/b}\n", "object 1: metadata.name: expected"},
      {"kind: Model\nmetadata: {name: a, namespace: '..'}\n", "metadata.namespace: expected"},
      {"kind: Model\nmetadata: {name: a, namespace: b.c}\n", "metadata.namespace: expected"},
      {"- 1\n", "object 1: expected an object"},
      {"", "no object in it"},
  };
  for (const auto& c : cases) {
    const auto objects = ReadManifests(Write("bad.yaml", c.text));
    ASSERT_FALSE(objects) << c.text;
    EXPECT_THAT(objects.error().message(), HasSubstr("bad.yaml: "));
    EXPECT_THAT(objects.error().message(), HasSubstr(c.expected));
  }
}

TEST_F(ApplyTest, FolderKeepsFindsAndRemoves) {
  const auto objects = ReadManifests(Write("m.yaml", kModel));
  ASSERT_TRUE(objects);
  const ManifestFolder folder(folder_ + "/accepted");
  EXPECT_FALSE(folder.Find(objects->front()).value().has_value());
  ASSERT_TRUE(folder.Store(objects->front()));
  EXPECT_EQ(folder.Find(objects->front()).value(), objects->front());
  EXPECT_TRUE(folder.Remove(objects->front()).value());
  EXPECT_FALSE(folder.Remove(objects->front()).value());
}

TEST_F(ApplyTest, ReviewIsWhatTheApiServerSends) {
  const auto objects = ReadManifests(Write("m.yaml", kModel));
  const Json create = MakeReview(objects->front(), std::nullopt, true, "u1");
  EXPECT_EQ(StringOr(create, {"request", "operation"}), "CREATE");
  EXPECT_EQ(StringOr(create, {"request", "resource", "resource"}), "models");
  EXPECT_TRUE(BoolOr(create, {"request", "dryRun"}, false));
  const Json update = MakeReview(objects->front(), objects->front(), false, "u2");
  EXPECT_EQ(StringOr(update, {"request", "operation"}), "UPDATE");
  EXPECT_EQ(*update.Find({"request", "oldObject"}), objects->front());
}

TEST(ReadDecision, TakesAllowedDeniedAndRefusesOthers) {
  const auto denied = ReadDecision(
      R"({"response":{"uid":"u","allowed":false,"status":{"message":"[HR-101] no"},"warnings":["w"]}})",
      "u");
  ASSERT_TRUE(denied);
  EXPECT_FALSE(denied->allowed);
  EXPECT_EQ(denied->message, "[HR-101] no");
  EXPECT_THAT(denied->warnings, ::testing::ElementsAre("w"));
  EXPECT_FALSE(ReadDecision(R"({"response":{"uid":"other","allowed":true}})", "u"));
  EXPECT_FALSE(ReadDecision(R"({"response":{"uid":"u"}})", "u"));
  EXPECT_FALSE(ReadDecision("<html>", "u"));
}

boost::asio::awaitable<net::HttpResponse> Allow(std::string review) {
  Json answer = Json::MakeObject();
  answer.Make({"response", "uid"}) = StringOr(ParseJson(review).value(), {"request", "uid"});
  answer.Make({"response", "allowed"}) = true;
  co_return net::JsonResponse(200, WriteJson(answer));
}

// The webhook keeps the connection open; the answer is not to wait until its timers have run out
// (12 s here).
TEST(AskWebhook, IsDoneWhenTheAnswerIsThere) {
  boost::asio::io_context io(1);
  auto server =
      net::HttpServer::Listen(io.get_executor(), {.listen = "127.0.0.1:0"},
                              [](const net::HttpRequest& request, const net::RequestContext&) {
                                return Allow(request.body);
                              });
  ASSERT_TRUE(server);
  std::thread thread([&io, &server] {
    boost::asio::co_spawn(io, (*server)->Run(), boost::asio::detached);
    io.run();
  });
  const auto start = std::chrono::steady_clock::now();
  const auto decision = AskWebhook({"http://" + (*server)->address(), ""},
                                   ParseJson(R"({"kind":"Model"})").value(), std::nullopt, true);
  const auto took = std::chrono::steady_clock::now() - start;
  boost::asio::co_spawn(io, (*server)->Stop(std::chrono::seconds(1)),
                        [&io](std::exception_ptr) { io.stop(); });
  thread.join();
  ASSERT_TRUE(decision) << decision.error().message();
  EXPECT_TRUE(decision->allowed);
  EXPECT_LT(took, std::chrono::seconds(6));
}

TEST_F(ApplyTest, UnreachableWebhookIsOneLineAndStoresNothing) {
  const std::string file = Write("m.yaml", kModel);
  const int code = Call({"apply", "-f", file, "--manifests", folder_ + "/accepted", "--webhook",
                         "https://127.0.0.1:1"});
  EXPECT_EQ(code, kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("127.0.0.1:1"));
  const std::string line = err_.str();
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1) << line;
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/accepted"));
}

TEST_F(ApplyTest, UsageErrorsExitWithTwo) {
  EXPECT_EQ(Call({}), kUsage);
  EXPECT_EQ(Call({"aply"}), kUsage);
  EXPECT_EQ(Call({"apply"}), kUsage);
  EXPECT_EQ(Call({"apply", "--no-such"}), kUsage);
  EXPECT_EQ(Call({"--help"}), kDone);
  EXPECT_EQ(Call({"apply", "--help"}), kDone);
}

}  // namespace
}  // namespace headroom::cli

// Real sockets: servers that answer, hang, refuse, or talk too much.
#include "exporter/metrics/runtime_pages.h"
#include "tests/net/net_fixture.h"

namespace headroom::exporter {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using net::HttpRequest;
using net::HttpResponse;
using net::RequestContext;

asio::awaitable<HttpResponse> Say(int status, std::string text) {
  co_return net::TextResponse(status, text);
}

asio::awaitable<HttpResponse> SayWhen(std::shared_ptr<net::Notifier> released, std::string text) {
  (void)co_await released->Wait(net::After(10s));
  co_return net::TextResponse(200, text);
}

class RuntimePagesTest : public net::test::NetTest {
 protected:
  RuntimePagesTest() : pages_(context_.get_executor(), {.patience = 200ms, .timeout = 3s}) {
    tasks_.Spawn(pages_.Run());
  }
  ~RuntimePagesTest() override {
    released_->Notify();
    tasks_.Cancel();
    Run(tasks_.Join());
  }

  RuntimeTarget Target(pid_t pid, const std::string& name) const {
    return {.ns = "default", .name = name, .pid = pid, .host = "127.0.0.1", .port = port_};
  }
  void Until(const std::function<bool()>& done) {
    context_.restart();
    while (!done()) ASSERT_GT(context_.run_one_for(5s), 0u);
  }
  std::chrono::steady_clock::duration Refresh(std::vector<RuntimeTarget> targets) {
    const auto begin = std::chrono::steady_clock::now();
    Run(pages_.Refresh(std::move(targets)));
    return std::chrono::steady_clock::now() - begin;
  }
  // Answers the n-th request by `answer(n)`.
  void Answer(std::function<asio::awaitable<HttpResponse>(int)> answer) {
    Serve([this, answer](const HttpRequest&, const RequestContext&) { return answer(++asked_); });
    port_ = server_->port();
  }

  net::TaskGroup tasks_{context_.get_executor()};
  std::shared_ptr<net::Notifier> released_ = std::make_shared<net::Notifier>();
  RuntimePages pages_;
  uint16_t port_ = 0;
  int asked_ = 0;
};

TEST_F(RuntimePagesTest, ShowsWhatServersSay) {
  Answer([](int n) { return Say(n == 2 ? 503 : 200, "x:y " + std::to_string(n)); });
  Refresh({Target(1, "a")});
  auto series = pages_.Series();
  ASSERT_EQ(series.size(), 1u);
  EXPECT_TRUE(series[0].success);
  EXPECT_TRUE(series[0].taken_at);
  EXPECT_EQ(ExpositionText(series[0].families),
            "# HELP x_y As the model's server reports it.\n# TYPE x_y untyped\n"
            "x_y{namespace=\"default\",name=\"a\"} 1\n");
  Refresh({Target(1, "a")});
  series = pages_.Series();
  EXPECT_FALSE(series[0].success);
  EXPECT_TRUE(series[0].families.empty()) << "figures of a server that fails are not repeated";
  Refresh({Target(2, "b")});
  series = pages_.Series();
  ASSERT_EQ(series.size(), 1u) << "what is gone leaves nothing";
  EXPECT_EQ(series[0].name, "b");
}

TEST_F(RuntimePagesTest, ShowsTheKeyToTheServerThatAsksForIt) {
  std::vector<std::string> shown;
  Serve([&shown](const HttpRequest& request, const RequestContext&) {
    shown.emplace_back(request.headers.Find("Authorization").value_or(""));
    return shown.back() == "Bearer secret" ? Say(200, "x 1") : Say(401, "no");
  });
  port_ = server_->port();
  RuntimeTarget open = Target(1, "open"), closed = Target(2, "closed");
  closed.api_key = "secret";
  Refresh({open, closed});
  const auto series = pages_.Series();
  ASSERT_EQ(series.size(), 2u);
  EXPECT_FALSE(series[0].success);
  EXPECT_TRUE(series[1].success);
  std::sort(shown.begin(), shown.end());
  EXPECT_EQ(shown, (std::vector<std::string>{"", "Bearer secret"}));
}

TEST_F(RuntimePagesTest, AHungServerCostsOnePageItsPatienceAndOthersNothing) {
  Answer([this](int n) { return n == 1 ? SayWhen(released_, "x 1") : Say(200, "x 2"); });
  const auto first = Refresh({Target(1, "hung")});
  EXPECT_GE(first, 200ms);
  EXPECT_LT(first, 2s);
  Refresh({Target(1, "hung"), Target(2, "well")});
  EXPECT_EQ(asked_, 2) << "one request at a time to each";
  auto series = pages_.Series();
  ASSERT_EQ(series.size(), 2u);
  EXPECT_FALSE(series[0].success);
  EXPECT_TRUE(series[1].success) << "it was waited for; the hung one was not";
  // Its late answer is on the next page, with its time.
  released_->Notify();
  Until([this] { return pages_.Series()[0].success; });
  EXPECT_GT(pages_.Series()[0].duration, 0.2);
}

TEST_F(RuntimePagesTest, GivesUpAfterTheTimeout) {
  Answer([this](int) { return SayWhen(released_, "x 1"); });
  RuntimePages impatient(context_.get_executor(), {.patience = 50ms, .timeout = 100ms});
  net::TaskGroup tasks(context_.get_executor());
  tasks.Spawn(impatient.Run());
  Run(impatient.Refresh({Target(1, "hung")}));
  Until([&impatient] { return impatient.Series()[0].duration > 0.09; });
  EXPECT_FALSE(impatient.Series()[0].success);
  tasks.Cancel();
  Run(tasks.Join());
}

TEST_F(RuntimePagesTest, NobodyListensOrTooMuchIsSaid) {
  Answer([](int) { return Say(200, std::string(2u << 20, 'x')); });
  Refresh({Target(1, "loud")});
  EXPECT_FALSE(pages_.Series()[0].success);
  port_ = 1;
  Refresh({Target(2, "none")});
  EXPECT_FALSE(pages_.Series()[0].success);
}

}  // namespace
}  // namespace headroom::exporter

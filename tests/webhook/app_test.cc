// The whole webhook on a loopback TLS socket: nodes from a file, manifests from a folder, headers
// from a double of the exporter's /v1/header; one io_context for all of them.
#include "webhook/app.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "certs/certs.h"
#include "common/files.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/task_group.h"
#include "tests/support/run_coro.h"
#include "tests/webhook/objects.h"

namespace headroom::webhook {
namespace {

namespace asio = boost::asio;
using namespace testing;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr int64_t kOneGiB = 65536;  // tokens of KvHeavyModel

class AppTest : public ::testing::Test {
 protected:
  AppTest() : group_(context_.get_executor(), net::TaskGroup::Mode::kIndependent) {
    char name[] = "/tmp/headroom-webhook-test-XXXXXX";
    folder_ = ::mkdtemp(name);
    std::filesystem::create_directory(folder_ + "/manifests");
    MakeCertificates();
    StartExporter();
    WriteNode();
    options_.listen = "127.0.0.1:0";
    options_.tls_cert = folder_ + "/tls.crt";
    options_.tls_key = folder_ + "/tls.key";
    options_.nodes = {folder_ + "/node.json"};
    options_.manifests = folder_ + "/manifests";
    options_.node_token_file = folder_ + "/token";
    options_.shutdown_delay = 0ms;
    Write("token", "secret\n");
  }
  ~AppTest() override {
    if (app_) test::RunCoro(context_, app_->Stop(), 10s);
    test::RunCoro(context_, exporter_->Stop(0ms));
    test::RunCoro(context_, group_.Join());
    std::filesystem::remove_all(folder_);
  }

  void Write(const std::string& file, const std::string& content) {
    ASSERT_TRUE(WriteFileAtomically(folder_ + "/" + file, content));
  }
  void MakeCertificates() {
    const WallTime now = std::chrono::system_clock::now();
    const auto ca = certs::MakeCa("test CA", now, std::chrono::hours(24));
    certs::LeafOptions leaf;
    leaf.common_name = "headroom-webhook";
    leaf.ip_addresses = {"127.0.0.1"};
    const auto pair = certs::MakeLeaf(*ca, leaf, now, std::chrono::hours(24));
    Write("tls.crt", pair->certificate_pem);
    Write("tls.key", pair->key_pem);
    ca_pem_ = ca->certificate_pem;
  }
  void StartExporter() {
    auto server = net::HttpServer::Listen(
        context_.get_executor(), {},
        [this](const net::HttpRequest& request, const net::RequestContext&) {
          return ServeHeader(*this, request);
        });
    exporter_ = std::move(*server);
    group_.Spawn(exporter_->Run());
  }
  static asio::awaitable<net::HttpResponse> ServeHeader(AppTest& test,
                                                        const net::HttpRequest& request) {
    ++test.header_requests_;
    const auto target = net::ParseTarget(request.target);
    if (request.headers.Find("Authorization").value_or("") != "Bearer secret") {
      co_return net::TextResponse(401, "who are you");
    }
    if (target->Get("path") != "/models/heavy.gguf") co_return net::TextResponse(404, "not here");
    const auto writer = headroom::testing::KvHeavyModel();
    net::HttpResponse response{200, {}, writer.Header()};
    response.headers.Set("X-Headroom-File-Bytes", std::to_string(writer.FileBytes()));
    response.headers.Set("ETag", "\"1\"");
    co_return response;
  }
  void WriteNode() {
    NodeSpec spec{.name = "mac-1", .budget = 4 * kGiB};
    spec.metrics_address = "127.0.0.1:" + std::to_string(exporter_->port());
    spec.observed_at = std::chrono::system_clock::now();
    Write("node.json", WriteJson(NodeObject(spec)));
  }

  void Start() {
    auto app = App::Make(context_.get_executor(), options_);
    ASSERT_TRUE(app) << app.error().message();
    app_ = std::move(*app);
    group_.Spawn(app_->Run());
    net::HttpClientOptions client;
    client.tls =
        net::MakeClientContext({.ca_pem = ca_pem_, .certificate_pem = "", .key_pem = ""}).value();
    client_ = std::make_unique<net::HttpClient>(context_.get_executor(), std::move(client));
    const auto end = std::chrono::steady_clock::now() + 5s;
    while (Send("GET", "/readyz").status != 200 && std::chrono::steady_clock::now() < end) {
    }
  }
  net::HttpResponse Send(const std::string& method, const std::string& target,
                         const std::string& body = "") {
    const std::string scheme = options_.tls_cert.empty() ? "http://" : "https://";
    net::Url url = *net::ParseUrl(scheme + app_->address() + target);
    net::HttpRequest request{method, target, {}, body};
    auto response =
        test::RunCoro(context_, client_->Fetch(url, std::move(request), net::After(5s)), 6s);
    EXPECT_TRUE(response) << response.error().message();
    return response ? *response : net::HttpResponse{0, {}, ""};
  }
  Json Ask(const Json& review, const std::string& query = "?timeout=10s") {
    const net::HttpResponse response = Send("POST", "/validate" + query, WriteJson(review));
    EXPECT_EQ(response.status, 200) << response.body;
    const auto json = ParseJson(response.body);
    EXPECT_TRUE(json);
    return json ? *json->Find("response") : Json();
  }
  bool Allowed(const Json& review) { return BoolOr(Ask(review), {"allowed"}, false); }
  std::string Metric(const std::string& line) {
    const std::string text = Send("GET", "/metrics").body;
    const size_t at = text.find("\n" + line + " ");
    if (at == std::string::npos) return "";
    const size_t begin = at + line.size() + 2;
    return text.substr(begin, text.find('\n', begin) - begin);
  }

  asio::io_context context_{1};
  net::TaskGroup group_;
  std::string folder_, ca_pem_;
  Options options_;
  std::unique_ptr<net::HttpServer> exporter_;
  std::unique_ptr<App> app_;
  std::unique_ptr<net::HttpClient> client_;
  int header_requests_ = 0;
};

// HEADROOM_UPDATE_GOLDEN=1 rewrites the file.
void ExpectGolden(const net::HttpResponse& response, const std::string& file) {
  const std::string path = std::string(HEADROOM_TEST_DATA) + "/webhook/" + file;
  const std::string got = "HTTP " + std::to_string(response.status) + "\nContent-Type: " +
                          std::string(response.headers.Find("Content-Type").value_or("")) + "\n\n" +
                          response.body + "\n";
  if (std::getenv("HEADROOM_UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(WriteFileAtomically(path, got));
  }
  const auto want = ReadFile(path);
  ASSERT_TRUE(want) << want.error().message();
  EXPECT_EQ(got, *want) << path;
}

TEST_F(AppTest, AdmitsAndDeniesWithTheHeaderOfTheNode) {
  Start();
  EXPECT_TRUE(Allowed(ReviewObject(ModelObject("fits", kOneGiB))));
  EXPECT_EQ(header_requests_, 1);
  const auto denied = Send("POST", "/validate?timeout=10s",
                           WriteJson(ReviewObject(ModelObject("large", 8 * kOneGiB))));
  ExpectGolden(denied, "deny-over-budget.txt");
  EXPECT_EQ(header_requests_, 1) << "the header is cached";
  const auto occupied = Send("POST", "/validate?timeout=10s",
                             WriteJson(ReviewObject(ModelObject("second", 5 * kOneGiB / 2))));
  ExpectGolden(occupied, "deny-occupied.txt");
  EXPECT_EQ(Metric("headroom_webhook_reservations"), "1");
  EXPECT_EQ(Metric("headroom_webhook_header_fetches_total"), "1");
  EXPECT_EQ(Metric("headroom_webhook_decisions_total{result=\"allowed\",rule=\"\"}"), "1");
}

TEST_F(AppTest, ADryRunReservesNothing) {
  Start();
  const Json review = ReviewObject(ModelObject("fits", kOneGiB), {}, {.dry_run = true});
  EXPECT_TRUE(Allowed(review));
  EXPECT_EQ(Metric("headroom_webhook_reservations"), "0");
  EXPECT_TRUE(Allowed(ReviewObject(ModelObject("other", 5 * kOneGiB / 2))));
}

TEST_F(AppTest, ManifestsOfTheFolderOccupyTheNode) {
  Write("manifests/first.json", WriteJson(ModelObject("first", 2 * kOneGiB)));
  Start();
  EXPECT_EQ(Metric("headroom_webhook_objects{kind=\"Model\"}"), "1");
  EXPECT_NE(Metric("headroom_webhook_node_observed_timestamp_seconds{node=\"mac-1\"}"), "");
  const Json denied = Ask(ReviewObject(ModelObject("second", 2 * kOneGiB)));
  EXPECT_THAT(StringOr(denied, {"status", "message"}), HasSubstr("team-a/first"));
  // The same object again is no second one.
  const Json first = ModelObject("first", 2 * kOneGiB);
  EXPECT_TRUE(Allowed(ReviewObject(first, first)));
  EXPECT_TRUE(Allowed(ReviewObject(first)));
}

TEST_F(AppTest, UpdatesAreJudgedOnlyWhenTheyGrow) {
  Start();
  const Json big = ModelObject("big", 9 * kOneGiB), less = ModelObject("big", 8 * kOneGiB);
  EXPECT_TRUE(Allowed(ReviewObject(less, big)));
  EXPECT_FALSE(Allowed(ReviewObject(big, less)));
}

TEST_F(AppTest, AnUnknownSizeIsDeniedByDefault) {
  Start();
  const auto response = Send("POST", "/validate?timeout=10s",
                             WriteJson(ReviewObject(ModelObject("x", 256, "/models/absent.gguf"))));
  ExpectGolden(response, "deny-unknown-size.txt");
  EXPECT_EQ(Metric("headroom_webhook_unknown_size_total"), "1");
}

TEST_F(AppTest, AnUnknownSizeCanBeAWarning) {
  options_.allow_unknown = true;
  Start();
  const Json answer = Ask(ReviewObject(ModelObject("x", 256, "/models/absent.gguf")));
  EXPECT_TRUE(BoolOr(answer, {"allowed"}, false));
  EXPECT_THAT(WriteJson(*answer.Find("warnings")), HasSubstr("HR-301 memory not checked"));
}

TEST_F(AppTest, HostsOutsideTheAllowListAreNeverContacted) {
  Start();
  const std::string url = "https://127.0.0.1:" + std::to_string(exporter_->port()) + "/m.gguf";
  const Json answer = Ask(ReviewObject(ModelObject("x", 256, url)));
  EXPECT_THAT(StringOr(answer, {"status", "message"}), HasSubstr("allow-list"));
  EXPECT_EQ(header_requests_, 0);
}

TEST_F(AppTest, AHundredMalformedReviewsAreNoDecisions) {
  Start();
  const std::string good = WriteJson(ReviewObject(ModelObject("fits", 256)));
  for (size_t i = 0; i < 50; ++i) {
    const net::HttpResponse cut = Send("POST", "/validate", good.substr(0, good.size() * i / 50));
    EXPECT_EQ(cut.status, 400);
    std::string broken = good;
    broken[good.size() * i / 50] = static_cast<char>(i % 3 == 0 ? 0 : i % 3 == 1 ? 0xff : '\\');
    const net::HttpResponse odd = Send("POST", "/validate", broken);
    // A changed byte inside a string can still be a review.
    EXPECT_TRUE(odd.status == 400 || odd.status == 200) << odd.status;
  }
  EXPECT_TRUE(Allowed(ReviewObject(ModelObject("fits", 256))));
}

TEST_F(AppTest, PagesAroundTheDecision) {
  Start();
  EXPECT_EQ(Send("GET", "/healthz").status, 200);
  EXPECT_THAT(Send("GET", "/").body, HasSubstr("headroom-webhook"));
  EXPECT_EQ(Send("GET", "/nothing").status, 404);
  EXPECT_EQ(Send("GET", "/validate").status, 405);
  EXPECT_EQ(Send("POST", "/metrics").status, 405);
  EXPECT_NE(Metric("headroom_cert_expiry_timestamp_seconds{role=\"leaf\"}"), "");
}

TEST_F(AppTest, DrainingFailsReadinessFirstAndClosesConnections) {
  options_.shutdown_delay = 300ms;
  Start();
  net::TaskGroup stopping(context_.get_executor(), net::TaskGroup::Mode::kIndependent);
  stopping.Spawn(app_->Stop());
  const net::HttpResponse ready = Send("GET", "/readyz");
  EXPECT_EQ(ready.status, 503);
  const net::HttpResponse served = Send("GET", "/healthz");
  EXPECT_EQ(served.status, 200) << "who still reaches us is served";
  EXPECT_EQ(served.headers.Find("Connection").value_or(""), "close");
  test::RunCoro(context_, stopping.Join(), 5s);
  app_.reset();
}

TEST_F(AppTest, ABadStartIsOneClearLine) {
  const auto fails = [this](auto change, const std::string& part) {
    Options options = options_;
    change(options);
    const auto app = App::Make(context_.get_executor(), options);
    ASSERT_FALSE(app) << part;
    EXPECT_THAT(app.error().message(), HasSubstr(part));
    EXPECT_EQ(app.error().message().find('\n'), std::string::npos);
  };
  Start();
  fails([&](Options& o) { o.listen = app_->address(); }, "in use");
  fails([&](Options& o) { o.tls_cert = folder_ + "/absent.crt"; }, "absent.crt");
  fails([&](Options& o) { o.tls_key = folder_ + "/tls.crt"; }, "tls.crt");
  fails([&](Options& o) { o.nodes = {folder_ + "/absent.yaml"}; }, "absent.yaml");
  fails([&](Options& o) { o.kubeconfig = folder_ + "/token"; }, "--kubeconfig");
  fails([&](Options& o) { o.manifests = folder_ + "/absent"; }, "--manifests");
  fails([&](Options& o) { o.source_allow = {"10.0.0.0/99"}; }, "10.0.0.0/99");
  fails([&](Options& o) { o.listen = "nonsense"; }, "--listen");
  fails([&](Options& o) { o.tls_cert = o.tls_key = "", o.listen = "0.0.0.0:0"; }, "--tls-cert");
}

}  // namespace
}  // namespace headroom::webhook

#include "sources/download.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <csignal>

#include "sources/sha256.h"
#include "sources/store_path.h"
#include "tests/sources/hub_double.h"
#include "tests/support/run_coro.h"

namespace headroom::sources::test {
namespace {

using headroom::test::RunCoro;
using testing::HasSubstr;
using testing::Not;
namespace fs = std::filesystem;

std::string Content(size_t bytes = 300'000, char seed = 'a') {
  std::string out = "GGUF";
  for (size_t i = out.size(); i < bytes; ++i) out += static_cast<char>(seed + i * 7 % 23);
  return out;
}

std::string Head(const std::string& status, std::vector<std::string> fields) {
  std::string out = "HTTP/1.1 " + status + "\r\n";
  for (const std::string& field : fields) out += field + "\r\n";
  return out + "\r\n";
}

std::string Whole(const std::string& content, const std::string& etag = "\"v1\"") {
  return Head("200 OK", {"Content-Length: " + std::to_string(content.size()), "ETag: " + etag}) +
         content;
}

std::string Rest(const std::string& content, size_t from, const std::string& etag = "\"v1\"") {
  const std::string size = std::to_string(content.size());
  return Head("206 Partial Content",
              {"Content-Length: " + std::to_string(content.size() - from), "ETag: " + etag,
               "Content-Range: bytes " + std::to_string(from) + "-" +
                   std::to_string(content.size() - 1) + "/" + size}) +
         content.substr(from);
}

std::string Cut(const std::string& answer, size_t body_bytes) {
  return answer.substr(0, answer.find("\r\n\r\n") + 4 + body_bytes);
}

class DownloadTest : public testing::Test {
 protected:
  ~DownloadTest() override {
    RunCoro(context_, hub_.Stop());
    RunCoro(context_, other_.Stop());
  }

  void Allow(const std::vector<std::string>& entries) {
    policy_ = *AddressPolicy::Parse(entries);
    net::HttpClientOptions options;
    net::TlsClientOptions tls;
    tls.ca_pem = TestIdentity().ca_pem;
    options.tls = *net::MakeClientContext(tls);
    options.address_guard = [this](std::string_view host, std::string_view address) {
      return policy_.CheckAddress(host, address);
    };
    client_ = std::make_unique<net::HttpClient>(context_.get_executor(), std::move(options));
  }
  void SetUp() override { Allow({hub_.HostPort(), other_.HostPort()}); }

  Result<std::string> Get(DownloadOptions options = {}) {
    return RunCoro(context_, Download(*client_, policy_, *net::ParseUrl(hub_.UrlOf("/m.gguf")),
                                      path_, std::move(options)));
  }
  void Serve(Reply reply) {
    hub_.set_script([reply](const std::string&) { return reply; });
  }
  // Leaves a partial file of `bytes`, as a connection that was cut does.
  void LeavePartial(const std::string& content, size_t bytes) {
    Serve({Cut(Whole(content), bytes)});
    const auto cut = Get();
    ASSERT_FALSE(cut);
    ASSERT_EQ(fs::file_size(path_ + ".partial"), bytes);
  }
  // Nothing, not even half a file or a record, is in the store.
  bool StoreIsEmpty() const {
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      if (entry.is_regular_file()) return false;
    }
    return true;
  }
  bool PartialIsThere() const { return fs::exists(path_ + ".partial"); }

  asio::io_context context_{1};
  TempFolder folder_;
  const std::string path_ = folder_.path() + "/sub/folder/m.gguf";
  HubDouble hub_{context_, [](const std::string&) { return Reply{}; }};
  HubDouble other_{context_, [](const std::string&) { return Reply{}; }};
  AddressPolicy policy_;
  std::unique_ptr<net::HttpClient> client_;
};

TEST_F(DownloadTest, FetchesAFileAndUsesItTheNextTime) {
  const std::string content = Content();
  Serve({Whole(content)});
  uint64_t last = 0, total = 0;
  DownloadOptions options;
  options.sha256 = Sha256Hex(content);
  options.on_progress = [&](const DownloadProgress& p) -> Result<void> {
    EXPECT_FALSE(fs::exists(path_));  // never under its name before it is complete
    EXPECT_GE(p.bytes, last);
    last = p.bytes;
    total = p.total;
    return {};
  };
  const auto got = Get(options);
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(*got, path_);
  EXPECT_EQ(Slurp(path_), content);
  EXPECT_EQ(last, content.size());
  EXPECT_EQ(total, content.size());
  EXPECT_FALSE(PartialIsThere());
  EXPECT_THAT(hub_.requests.at(0), HasSubstr("Accept-Encoding: identity"));
  EXPECT_THAT(hub_.requests.at(0), Not(HasSubstr("Range")));
  ASSERT_TRUE(Get(options));
  EXPECT_EQ(hub_.requests.size(), 1u);
}

TEST_F(DownloadTest, ResumesAfterACutWhereItStopped) {
  const std::string content = Content();
  Serve({Cut(Whole(content), 100'000)});
  const auto cut = Get();
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code(), Code::kUnavailable);
  EXPECT_TRUE(IsRetryable(cut.error()));
  EXPECT_FALSE(fs::exists(path_));
  Serve({Rest(content, 100'000)});
  DownloadOptions options;
  options.sha256 = Sha256Hex(content);
  const auto got = Get(options);
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_THAT(hub_.requests.at(1), HasSubstr("Range: bytes=100000-\r\n"));
  EXPECT_THAT(hub_.requests.at(1), HasSubstr("If-Range: \"v1\"\r\n"));
  EXPECT_EQ(Slurp(path_), content);
}

// As after kill -9: the coroutine ends at whatever byte it is at, the next process resumes.
TEST_F(DownloadTest, ResumesAfterItWasDropped) {
  const std::string content = Content();
  Serve({.bytes = Cut(Whole(content), 200'000), .hold = true});
  {
    net::TaskGroup group(context_.get_executor());
    bool half = false;
    DownloadOptions options;
    options.on_progress = [&half](const DownloadProgress& p) -> Result<void> {
      half = p.bytes == 200'000;
      return {};
    };
    const auto run = [](net::HttpClient& client, const AddressPolicy& policy, net::Url url,
                        std::string path, DownloadOptions o) -> asio::awaitable<void> {
      (void)co_await Download(client, policy, std::move(url), std::move(path), std::move(o));
    };
    group.Spawn(run(*client_, policy_, *net::ParseUrl(hub_.UrlOf("/m.gguf")), path_, options));
    context_.restart();
    while (!half && context_.run_one_for(2s) > 0) {
    }
    ASSERT_TRUE(half);
    group.Cancel();
    RunCoro(context_, group.Join());
  }
  EXPECT_FALSE(fs::exists(path_));
  EXPECT_EQ(fs::file_size(path_ + ".partial"), 200'000u);
  Serve({Rest(content, 200'000)});
  ASSERT_TRUE(Get());
  EXPECT_EQ(Slurp(path_), content);
}

TEST_F(DownloadTest, AChangedFileIsFetchedFromItsStart) {
  LeavePartial(Content(), 100'000);
  const std::string newer = Content(250'000, 'A');
  Serve({Whole(newer, "\"v2\"")});
  ASSERT_TRUE(Get());
  EXPECT_EQ(Slurp(path_), newer);
}

TEST_F(DownloadTest, NeverJoinsTwoVersions) {
  const std::string content = Content();
  const std::string answers[] = {
      Rest(content, 100'000, "\"v2\""),           // ignores If-Range
      Rest(Content(400'000), 100'000),            // another length under the same ETag
      Head("416 Range Not Satisfiable", {"Content-Length: 0"}),
  };
  for (const std::string& answer : answers) {
    LeavePartial(content, 100'000);
    Serve({answer});
    const auto got = Get();
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code(), Code::kConflict) << got.error().message();
    EXPECT_TRUE(IsRetryable(got.error()));
    EXPECT_TRUE(StoreIsEmpty());
  }
}

TEST_F(DownloadTest, AWrongSumLeavesNothing) {
  const std::string content = Content();
  Serve({Whole(content)});
  DownloadOptions options;
  options.sha256 = std::string(64, '0');
  const auto got = Get(options);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), Code::kInvalid);
  EXPECT_FALSE(IsRetryable(got.error()));
  EXPECT_THAT(got.error().message(), HasSubstr("expected " + options.sha256));
  EXPECT_THAT(got.error().message(), HasSubstr("found " + Sha256Hex(content)));
  EXPECT_TRUE(StoreIsEmpty());
}

TEST_F(DownloadTest, AFileThatIsThereIsKeptUntilABetterOneIsComplete) {
  const std::string old = Content(), newer = Content(200'000, 'B');
  Serve({Whole(old)});
  ASSERT_TRUE(Get());
  DownloadOptions options;
  options.sha256 = Sha256Hex(old);  // was not asked for the first time: taken now, once
  ASSERT_TRUE(Get(options));
  EXPECT_EQ(hub_.requests.size(), 1u);
  options.sha256 = std::string(64, '0');
  ASSERT_FALSE(Get(options));
  EXPECT_EQ(Slurp(path_), old);
  Serve({Whole(newer, "\"v2\"")});
  options.sha256 = Sha256Hex(newer);
  ASSERT_TRUE(Get(options));
  EXPECT_EQ(Slurp(path_), newer);
}

TEST_F(DownloadTest, APageIsNoModel) {
  Serve({Whole("<html>please log in</html>")});
  const auto got = Get();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), Code::kInvalid);
  EXPECT_THAT(got.error().message(), HasSubstr("GGUF"));
  EXPECT_THAT(got.error().message(), Not(HasSubstr("log in")));
  EXPECT_TRUE(StoreIsEmpty());
  Serve({Whole("GG")});
  EXPECT_FALSE(Get());
  EXPECT_TRUE(StoreIsEmpty());
}

TEST_F(DownloadTest, SaysWhichAnswersMayChange) {
  const std::tuple<const char*, Code, bool> cases[] = {
      {"401 Unauthorized", Code::kUnauthorized, false}, {"403 Forbidden", Code::kUnauthorized, false},
      {"404 Not Found", Code::kNotFound, false},        {"429 Too Many", Code::kUnavailable, true},
      {"500 Oops", Code::kUnavailable, true},           {"503 Later", Code::kUnavailable, true},
  };
  for (const auto& [status, code, retryable] : cases) {
    Serve({Head(status, {"Content-Length: 6"}) + "secret"});
    const auto got = Get();
    ASSERT_FALSE(got) << status;
    EXPECT_EQ(got.error().code(), code) << status;
    EXPECT_EQ(IsRetryable(got.error()), retryable) << status;
    EXPECT_THAT(got.error().message(), Not(HasSubstr("secret")));
    EXPECT_TRUE(StoreIsEmpty()) << status;
  }
}

TEST_F(DownloadTest, RefusesWhatCannotBeCheckedOrDoesNotFit) {
  Serve({Head("200 OK", {"Content-Encoding: gzip", "Content-Length: 9"}) + "GGUF12345"});
  EXPECT_EQ(Get().error().code(), Code::kInvalid);
  Serve({Head("200 OK", {"Transfer-Encoding: chunked"}) + "4\r\nGGUF\r\n0\r\n\r\n"});
  EXPECT_EQ(Get().error().code(), Code::kInvalid);
  Serve({Whole(Content())});
  DownloadOptions options;
  options.free_bytes = [](const std::string&) -> Result<uint64_t> { return 1'000'000; };
  options.reserve_bytes = 800'000;
  const auto full = Get(options);
  EXPECT_EQ(full.error().code(), Code::kIo);
  EXPECT_THAT(full.error().message(), HasSubstr("not enough disk"));
  EXPECT_TRUE(StoreIsEmpty());
  options.reserve_bytes = 0;
  options.max_file_bytes = 100'000;
  EXPECT_EQ(Get(options).error().code(), Code::kTooLarge);
  EXPECT_TRUE(StoreIsEmpty());
}

// A disk that fills meanwhile, by the nearest thing a test may do to its own process.
TEST_F(DownloadTest, AWriteThatFailsKeepsWhatIsThere) {
  const std::string content = Content();
  Serve({Whole(content)});
  rlimit old{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = old;
  small.rlim_cur = 150'000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto got = Get();
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), Code::kIo);
  EXPECT_TRUE(IsRetryable(got.error()));
  EXPECT_EQ(fs::file_size(path_ + ".partial"), 150'000u);
  Serve({Rest(content, 150'000)});
  ASSERT_TRUE(Get());
  EXPECT_EQ(Slurp(path_), content);
}

TEST_F(DownloadTest, SilenceAndDripsEnd) {
  DownloadOptions options;
  options.idle_timeout = 100ms;
  Serve({.bytes = Cut(Whole(Content()), 1000), .hold = true});
  EXPECT_EQ(Get(options).error().code(), Code::kTimeout);
  EXPECT_TRUE(PartialIsThere());
  Serve({.bytes = Rest(Content(), 1000), .piece = 50, .pause = 10ms});
  const auto drip = Get(options);
  ASSERT_FALSE(drip);
  EXPECT_EQ(drip.error().code(), Code::kTimeout);
  EXPECT_THAT(drip.error().message(), HasSubstr("too slowly"));
  EXPECT_TRUE(IsRetryable(drip.error()));
  EXPECT_GT(fs::file_size(path_ + ".partial"), 1000u);
}

TEST_F(DownloadTest, TheTokenStaysWithItsHost) {
  const std::string content = Content();
  Serve({Head("302 Found", {"Location: " + other_.UrlOf("/signed?x=1"), "Content-Length: 0"})});
  other_.set_script([&](const std::string&) { return Reply{Whole(content)}; });
  DownloadOptions options;
  options.bearer = "hf_secret";
  ASSERT_TRUE(Get(options));
  EXPECT_THAT(hub_.requests.at(0), HasSubstr("Authorization: Bearer hf_secret"));
  EXPECT_THAT(other_.requests.at(0), Not(HasSubstr("hf_secret")));
  EXPECT_THAT(other_.requests.at(0), HasSubstr("GET /signed?x=1 "));
}

TEST_F(DownloadTest, RedirectsStayOnTheAllowList) {
  Allow({hub_.HostPort()});
  Serve({Head("302 Found", {"Location: " + other_.UrlOf("/x"), "Content-Length: 0"})});
  EXPECT_EQ(Get().error().code(), Code::kUnauthorized);
  EXPECT_TRUE(other_.requests.empty());
  Serve({Head("302 Found", {"Location: /m.gguf", "Content-Length: 0"})});
  EXPECT_EQ(Get().error().code(), Code::kInvalid);  // a circle
  EXPECT_EQ(hub_.requests.size(), 1u + 6u);
  EXPECT_TRUE(StoreIsEmpty());
}

TEST_F(DownloadTest, EndsWhenNobodyWantsItAnyMore) {
  Serve({Whole(Content())});
  DownloadOptions options;
  options.on_progress = [](const DownloadProgress& p) -> Result<void> {
    if (p.bytes < 1000) return {};
    return Error(Code::kGone, "not wanted");
  };
  const auto got = Get(options);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), Code::kGone);
  EXPECT_TRUE(PartialIsThere());  // it may be wanted again
}

TEST_F(DownloadTest, OneWriterAtATime) {
  Serve({.bytes = Cut(Whole(Content()), 1000), .hold = true});
  auto first = asio::co_spawn(
      context_, Download(*client_, policy_, *net::ParseUrl(hub_.UrlOf("/m.gguf")), path_, {}),
      asio::use_future);
  while (hub_.requests.empty() && context_.run_one_for(2s) > 0) {
  }
  const auto second = Get();  // runs the first, too
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), Code::kConflict);
  EXPECT_TRUE(PartialIsThere());
}

TEST_F(DownloadTest, PartsOfASplitLieBesideEachOther) {
  const std::string one = Content(1000), two = Content(3000, 'x');
  hub_.set_script([&](const std::string& request) {
    return Reply{Whole(request.find("00001-of") != std::string::npos ? one : two)};
  });
  const auto source = ParseSource(hub_.UrlOf("/o/m-00001-of-00002.gguf"));
  std::vector<int> percents;
  DownloadOptions options;
  options.on_progress = [&](const DownloadProgress& p) -> Result<void> {
    percents.push_back(p.Percent());
    return {};
  };
  const auto got = RunCoro(
      context_, DownloadSource(*client_, policy_, folder_.path(), *source, options));
  ASSERT_TRUE(got) << got.error().message();
  const fs::path first(*got);
  EXPECT_EQ(first.filename(), "m-00001-of-00002.gguf");
  EXPECT_EQ(Slurp(first), one);
  EXPECT_EQ(Slurp(first.parent_path() / "m-00002-of-00002.gguf"), two);
  EXPECT_EQ(percents.front(), 0);
  EXPECT_EQ(percents.back(), 100);
  EXPECT_TRUE(std::is_sorted(percents.begin(), percents.end()));
  options.sha256 = Sha256Hex(one);
  EXPECT_EQ(RunCoro(context_, DownloadSource(*client_, policy_, folder_.path(), *source, options))
                .error()
                .code(),
            Code::kInvalid);
}

}  // namespace
}  // namespace headroom::sources::test

// Headers over real sockets: a double of the Hub with TLS on loopback, a double of an exporter, and
// files. The policy admits loopback by entry, as an operator would admit a host of their own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "certs/certs.h"
#include "common/files.h"
#include "net/http_server.h"
#include "net/task_group.h"
#include "sources/header_feed.h"
#include "sources/header_source.h"
#include "sources/range.h"
#include "tests/support/run_coro.h"
#include "tests/tools/tiny_models.h"

namespace headroom::sources {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using headroom::testing::GgufWriter;
using ::testing::HasSubstr;

// 600,000 bytes of vocabulary: a header that a small range does not cover.
GgufWriter WordyModel() {
  GgufWriter writer = headroom::testing::TinyModel();
  writer.Add("tokenizer.ggml.merges", std::vector<std::string>(20000, std::string(22, 'x')));
  return writer;
}

class HeaderTest : public ::testing::Test {
 protected:
  HeaderTest() : group_(context_.get_executor(), net::TaskGroup::Mode::kIndependent) {
    char name[] = "/tmp/headroom-sources-test-XXXXXX";
    folder_ = ::mkdtemp(name);
    const WallTime now = std::chrono::system_clock::now();
    const auto ca = certs::MakeCa("test CA", now, std::chrono::hours(1));
    certs::LeafOptions leaf;
    leaf.common_name = "hub";
    leaf.ip_addresses = {"127.0.0.1"};
    leaf.dns_names = {"localhost"};
    const auto pair = certs::MakeLeaf(*ca, leaf, now, std::chrono::hours(1));
    EXPECT_TRUE(WriteFileAtomically(folder_ + "/crt", pair->certificate_pem));
    EXPECT_TRUE(WriteFileAtomically(folder_ + "/key", pair->key_pem));
    net::TlsServerOptions options;
    options.certificate_file = folder_ + "/crt";
    options.key_file = folder_ + "/key";
    tls_ = net::TlsServer::Load(options).value();
    ca_pem_ = ca->certificate_pem;
    Listen(tls_.get());
  }
  ~HeaderTest() override {
    test::RunCoro(context_, server_->Stop(0ms));
    test::RunCoro(context_, group_.Join());
    std::filesystem::remove_all(folder_);
  }
  void Listen(const net::TlsServer* tls) {
    net::HttpServerOptions options;
    options.tls = tls;
    auto server = net::HttpServer::Listen(
        context_.get_executor(), options,
        [this](const net::HttpRequest& request, const net::RequestContext&) {
          return Serve(*this, request);
        });
    server_ = std::move(*server);
    group_.Spawn(server_->Run());
  }
  static asio::awaitable<net::HttpResponse> Serve(HeaderTest& test,
                                                  const net::HttpRequest& request) {
    test.requests_.push_back(request);
    co_return test.answer_(request);
  }
  std::string Base() const { return "https://127.0.0.1:" + std::to_string(server_->port()); }

  Result<ModelHeader> Read(const std::string& url, std::vector<std::string> allow = {},
                           std::string bearer = "", std::string known = "") {
    allow.push_back("127.0.0.1:" + std::to_string(server_->port()));
    policy_ = *AddressPolicy::Parse(allow);
    net::HttpClientOptions options;
    options.tls =
        net::MakeClientContext({.ca_pem = ca_pem_, .certificate_pem = "", .key_pem = ""}).value();
    options.address_guard = [this](std::string_view host, std::string_view address) {
      return policy_.CheckAddress(host, address);
    };
    net::HttpClient client(context_.get_executor(), std::move(options));
    return test::RunCoro(context_,
                         ReadRemoteHeader(client, policy_, *ParseSource(url), std::move(bearer),
                                          net::After(3s), std::move(known)),
                         5s);
  }
  std::string ErrorOf(const std::string& url, std::vector<std::string> allow = {}) {
    const auto header = Read(url, std::move(allow));
    EXPECT_FALSE(header) << url;
    return header ? "" : header.error().message();
  }

  asio::io_context context_{1};
  net::TaskGroup group_;
  std::string folder_, ca_pem_;
  std::unique_ptr<net::TlsServer> tls_;
  std::unique_ptr<net::HttpServer> server_;
  AddressPolicy policy_;
  std::function<net::HttpResponse(const net::HttpRequest&)> answer_;
  std::vector<net::HttpRequest> requests_;
};

// What a server with range support says to "bytes=A-B" of a file of this size.
net::HttpResponse Ranged(const net::HttpRequest& request, const std::string& file,
                         size_t at_most = SIZE_MAX) {
  const std::string range(request.headers.Find("Range").value_or(""));
  const size_t first = std::strtoull(range.c_str() + 6, nullptr, 10);
  const size_t asked = std::strtoull(range.c_str() + range.find('-') + 1, nullptr, 10);
  const size_t last = std::min({asked, file.size() - 1, first + at_most - 1});
  net::HttpResponse response{206, {}, file.substr(first, last - first + 1)};
  response.headers.Set("ETag", "\"v1\"");
  response.headers.Set("Content-Range", "bytes " + std::to_string(first) + "-" +
                                            std::to_string(last) + "/" +
                                            std::to_string(file.size()));
  return response;
}

std::string FileOf(const GgufWriter& writer) {
  std::string file = writer.Header();
  file.resize(writer.FileBytes());
  return file;
}

TEST_F(HeaderTest, OneRangeIsEnoughAndNothingElseIsRead) {
  const std::string file = FileOf(WordyModel());
  answer_ = [&](const net::HttpRequest& request) { return Ranged(request, file); };
  const auto header = Read(Base() + "/m.gguf");
  ASSERT_TRUE(header) << header.error().message();
  EXPECT_EQ(requests_.size(), 1u);
  EXPECT_EQ(header->model.file_bytes, file.size());
  EXPECT_EQ(header->revision, "\"v1\"");
  EXPECT_GT(header->bytes_read, 500'000u);
  EXPECT_EQ(requests_[0].headers.Find("Accept-Encoding"), "identity");
}

TEST_F(HeaderTest, ShortRangesAreJoined) {
  const std::string file = FileOf(WordyModel());
  answer_ = [&](const net::HttpRequest& request) { return Ranged(request, file, 100'000); };
  const auto header = Read(Base() + "/m.gguf");
  ASSERT_TRUE(header) << header.error().message();
  EXPECT_GE(requests_.size(), 6u);
  EXPECT_LT(requests_.size(), 10u);
}

TEST_F(HeaderTest, PartsOfASplitAreReadSideBySideByShortRanges) {
  std::map<std::string, std::string> files;
  for (int i = 1; i <= 3; ++i) {
    GgufWriter writer;
    if (i == 1) writer = headroom::testing::TinyModel();
    writer.Add("split.count", uint32_t{3});
    if (i > 1) writer.AddTensor("blk." + std::to_string(i) + ".x.weight", {32}, 0);
    files["/m-0000" + std::to_string(i) + "-of-00003.gguf"] = FileOf(writer);
  }
  answer_ = [&](const net::HttpRequest& request) { return Ranged(request, files[request.target]); };
  const auto header = Read(Base() + "/m-00001-of-00003.gguf");
  ASSERT_TRUE(header) << header.error().message();
  ASSERT_EQ(requests_.size(), 3u);
  uint64_t total = 0;
  for (const auto& [name, file] : files) total += file.size();
  EXPECT_EQ(header->model.file_bytes, total);
  for (const net::HttpRequest& request : requests_) {
    const bool first = request.target == "/m-00001-of-00003.gguf";
    EXPECT_EQ(*request.headers.Find("Range"), first ? "bytes=0-16777215" : "bytes=0-262143");
  }
}

TEST_F(HeaderTest, AMissingPartIsTheErrorOfTheSplit) {
  answer_ = [&](const net::HttpRequest& request) {
    GgufWriter writer = headroom::testing::TinyModel();
    writer.Add("split.count", uint32_t{3});
    if (request.target == "/m-00002-of-00003.gguf") return net::HttpResponse{404, {}, ""};
    return Ranged(request, FileOf(writer));
  };
  const auto header = Read(Base() + "/m-00001-of-00003.gguf");
  ASSERT_FALSE(header);
  EXPECT_EQ(header.error().code(), Code::kNotFound) << header.error().message();
}

TEST_F(HeaderTest, AWholeFileInsteadOfARangeIsFine) {
  const std::string file = FileOf(headroom::testing::TinyModel());
  answer_ = [&](const net::HttpRequest&) { return net::HttpResponse{200, {}, file}; };
  const auto header = Read(Base() + "/m.gguf");
  ASSERT_TRUE(header) << header.error().message();
  EXPECT_EQ(header->model.file_bytes, file.size());
}

TEST_F(HeaderTest, RedirectsAreFollowedThroughThePolicyWithoutCredentials) {
  const std::string file = FileOf(headroom::testing::TinyModel());
  const std::string cdn = "https://localhost:" + std::to_string(server_->port());
  answer_ = [&](const net::HttpRequest& request) {
    if (request.target == "/m.gguf")
      return net::HttpResponse{302, {{"Location", cdn + "/b?sig=1"}}, ""};
    return Ranged(request, file);
  };
  const auto header =
      Read(Base() + "/m.gguf",
           {"localhost:" + std::to_string(server_->port()), "127.0.0.0/8", "::1/128"}, "hub-token");
  ASSERT_TRUE(header) << header.error().message();
  ASSERT_EQ(requests_.size(), 2u);
  EXPECT_EQ(requests_[0].headers.Find("Authorization"), "Bearer hub-token");
  EXPECT_FALSE(requests_[1].headers.Find("Authorization"));
  EXPECT_EQ(requests_[1].target, "/b?sig=1");
}

TEST_F(HeaderTest, ARedirectToAForeignHostIsRefusedUnasked) {
  for (const char* location :
       {"https://evil.example/x", "http://huggingface.co/x", "https://169.254.169.254/latest",
        "https://[::ffff:10.0.0.1]/x", "file:///etc/passwd", ""}) {
    answer_ = [&](const net::HttpRequest&) {
      return net::HttpResponse{302, {{"Location", location}}, "secret"};
    };
    requests_.clear();
    const std::string error = ErrorOf(Base() + "/m.gguf");
    EXPECT_THAT(error, HasSubstr("redirect")) << location;
    EXPECT_EQ(requests_.size(), 1u) << location;
  }
}

TEST_F(HeaderTest, ARedirectLoopEnds) {
  answer_ = [](const net::HttpRequest&) {
    return net::HttpResponse{302, {{"Location", "/again"}}, ""};
  };
  EXPECT_THAT(ErrorOf(Base() + "/m.gguf"), HasSubstr("too often"));
  EXPECT_EQ(requests_.size(), 6u);
}

TEST_F(HeaderTest, APrivateAddressBehindAnAllowedNameIsNeverDialled) {
  const std::string url = "https://localhost:" + std::to_string(server_->port()) + "/m.gguf";
  // 127.0.0.1 alone is admitted by entry; here nothing is.
  net::HttpClientOptions options;
  policy_ = *AddressPolicy::Parse({"localhost:" + std::to_string(server_->port())});
  options.address_guard = [this](std::string_view host, std::string_view address) {
    return policy_.CheckAddress(host, address);
  };
  net::HttpClient client(context_.get_executor(), std::move(options));
  const auto header = test::RunCoro(
      context_, ReadRemoteHeader(client, policy_, *ParseSource(url), "", net::After(3s)), 5s);
  ASSERT_FALSE(header);
  EXPECT_THAT(header.error().message(), HasSubstr("not public"));
  EXPECT_TRUE(requests_.empty());
}

TEST_F(HeaderTest, BadAnswersAreOurOwnWords) {
  const std::string file = FileOf(WordyModel());
  const auto ranged = [&](auto change) {
    return [&file, change](const net::HttpRequest& request) {
      net::HttpResponse response = Ranged(request, file, 100'000);
      change(response, request);
      return response;
    };
  };
  using Response = net::HttpResponse;
  using Request = net::HttpRequest;
  const std::pair<std::function<net::HttpResponse(const Request&)>, const char*> cases[] = {
      {ranged([](Response& r, const Request&) { r.headers.Set("Content-Range", "bytes 7-9/10"); }),
       "another range"},
      {ranged([](Response& r, const Request&) { r.headers.Set("Content-Range", "nonsense"); }),
       "malformed"},
      {ranged([](Response& r, const Request&) { r.headers.Set("Content-Encoding", "gzip"); }),
       "encoded"},
      {ranged([](Response& r, const Request&) { r.body.resize(50'000); }), "early"},
      {ranged([](Response& r, const Request& q) {
         if (q.headers.Find("Range") != "bytes=0-16777215") r.headers.Set("ETag", "\"v2\"");
       }),
       "changed while"},
      {ranged([](Response& r, const Request& q) {
         if (q.headers.Find("Range") != "bytes=0-16777215") r.status = 200;
       }),
       "stopped answering ranges"},
      {[](const Request&) {
         return Response{404, {}, "secret"};
       },
       "no such file"},
      {[](const Request&) {
         return Response{401, {}, "secret"};
       },
       "refuses access"},
      {[](const Request&) {
         return Response{429, {}, "secret"};
       },
       "limits requests"},
      {[](const Request&) {
         return Response{500, {}, "secret"};
       },
       "cannot answer"},
      {[](const Request&) {
         return Response{200, {}, "<html>secret</html>"};
       },
       ""},
      {[](const Request&) {
         return Response{200, {}, ""};
       },
       ""},
      {[&](const Request&) {
         return Response{200, {}, file.substr(0, 1000)};
       },
       ""},
  };
  for (const auto& [answer, part] : cases) {
    answer_ = answer;
    const std::string error = ErrorOf(Base() + "/m.gguf");
    EXPECT_THAT(error, HasSubstr(part));
    EXPECT_EQ(error.find("secret"), std::string::npos) << error;
  }
}

TEST_F(HeaderTest, AKnownRevisionIsAskedForOnlyIfItChanged) {
  const GgufWriter writer = headroom::testing::TinyModel();
  std::string current = "\"v1\"";
  answer_ = [&](const net::HttpRequest& request) {
    if (request.target == "/moved.gguf") {
      return net::HttpResponse{302, {{"Location", "/m.gguf"}}, ""};
    }
    if (request.headers.Find("If-None-Match") == current) {
      return net::HttpResponse{304, {{"ETag", current}}, ""};
    }
    const std::string header = writer.Header();
    const std::string range =
        "bytes 0-" + std::to_string(header.size() - 1) + "/" + std::to_string(writer.FileBytes());
    return net::HttpResponse{206, {{"ETag", current}, {"Content-Range", range}}, header};
  };
  for (const char* path : {"/m.gguf", "/moved.gguf"}) {
    current = "\"v1\"";
    const auto first = Read(Base() + path);
    ASSERT_TRUE(first) << first.error().message();
    EXPECT_EQ(first->revision, current);
    const auto again = Read(Base() + path, {}, "", first->revision);
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_TRUE(again->unchanged);
    current = "\"v2\"";
    const auto changed = Read(Base() + path, {}, "", first->revision);
    ASSERT_TRUE(changed) << changed.error().message();
    EXPECT_FALSE(changed->unchanged);
    EXPECT_EQ(changed->revision, current);
  }
  // A 304 that nobody asked for is no file.
  answer_ = [](const net::HttpRequest&) { return net::HttpResponse{304, {}, ""}; };
  EXPECT_THAT(ErrorOf(Base() + "/m.gguf"), HasSubstr("no part of a file"));
}

TEST_F(HeaderTest, ANodesStoreIsAskedForWhatItFetched) {
  test::RunCoro(context_, server_->Stop(0ms));
  test::RunCoro(context_, group_.Join());
  Listen(nullptr);
  const GgufWriter writer = headroom::testing::TinyModel();
  answer_ = [&](const net::HttpRequest& request) {
    if (request.target != "/v1/header?source=hf%3A%2F%2Fo%2Fr%2Fa.gguf&part=1") {
      return net::HttpResponse{404, {}, ""};
    }
    if (request.headers.Find("If-None-Match") == "\"r\"") return net::HttpResponse{304, {}, ""};
    net::HttpResponse response{200, {{"ETag", "\"r\""}}, writer.Header()};
    response.headers.Set("X-Headroom-File-Bytes", std::to_string(writer.FileBytes()));
    return response;
  };
  net::HttpClient client(context_.get_executor());
  const auto policy = *NodeAddressPolicy::Parse({"127.0.0.1"}, false);
  const auto read = [&](const std::string& source, const std::string& known) {
    NodeEndpoint node{"127.0.0.1:" + std::to_string(server_->port()), {}};
    return test::RunCoro(context_,
                         ReadNodeHeader(client, policy, std::move(node), *ParseSource(source), "t",
                                        net::After(3s), known));
  };
  const auto header = read("hf://o/r/a.gguf", "");
  ASSERT_TRUE(header) << header.error().message();
  EXPECT_EQ(header->model.file_bytes, writer.FileBytes());
  EXPECT_TRUE(read("hf://o/r/a.gguf", header->revision)->unchanged);
  EXPECT_EQ(read("hf://o/r/b.gguf", "").error().code(), Code::kNotFound);
}

TEST_F(HeaderTest, ANodesExporterIsAskedWithItsToken) {
  test::RunCoro(context_, server_->Stop(0ms));
  test::RunCoro(context_, group_.Join());
  Listen(nullptr);
  const GgufWriter writer = headroom::testing::TinyModel();
  answer_ = [&](const net::HttpRequest& request) {
    if (request.headers.Find("Authorization") != "Bearer t") return net::HttpResponse{401, {}, ""};
    if (request.target != "/v1/header?path=%2Fmodels%2Fa%20b.gguf") {
      return net::HttpResponse{404, {}, ""};
    }
    net::HttpResponse response{200, {{"ETag", "\"r\""}}, writer.Header()};
    response.headers.Set("X-Headroom-File-Bytes", std::to_string(writer.FileBytes()));
    return response;
  };
  const std::string address = "127.0.0.1:" + std::to_string(server_->port());
  net::HttpClient client(context_.get_executor());
  auto policy = *NodeAddressPolicy::Parse({"127.0.0.1"}, false);
  const auto read = [&](const std::string& path, const std::string& token) {
    NodeEndpoint node{address, {}};
    return test::RunCoro(context_, ReadNodeHeader(client, policy, std::move(node),
                                                  *ParseSource(path), token, net::After(3s)));
  };
  const auto header = read("/models/a b.gguf", "t");
  ASSERT_TRUE(header) << header.error().message();
  EXPECT_EQ(header->model.file_bytes, writer.FileBytes());
  EXPECT_EQ(header->revision, "\"r\"");
  EXPECT_THAT(read("/models/absent.gguf", "t").error().message(), HasSubstr("does not exist"));
  EXPECT_THAT(read("/models/a b.gguf", "x").error().message(), HasSubstr("--node-token-file"));
  int asked = 0;
  answer_ = [&](const net::HttpRequest& request) {
    ++asked;
    EXPECT_TRUE(request.target.starts_with("/v1/header")) << "followed a redirect";
    return net::HttpResponse{302, {{"Location", "http://" + address + "/elsewhere"}}, ""};
  };
  EXPECT_THAT(read("/models/a b.gguf", "t").error().message(), HasSubstr("cannot answer"));
  EXPECT_EQ(asked, 1);
  policy = *NodeAddressPolicy::Parse({}, false);
  EXPECT_THAT(read("/models/a b.gguf", "t").error().message(), HasSubstr("status.addresses"));
  EXPECT_EQ(asked, 1) << "the token went to an address that is not the node's";
}

// One part as a reader gives it; `claimed` stands for a file of another size.
HeaderPart PartOf(const GgufWriter& writer, std::optional<uint64_t> claimed = std::nullopt) {
  HeaderFeed feed(writer.FileBytes());
  EXPECT_TRUE(feed.Add(writer.Header()));
  auto header = feed.Finish();
  EXPECT_TRUE(header);
  return {std::move(header.value()), claimed.value_or(writer.FileBytes()), 1, "r"};
}

TEST(AssembleModel, RefusesMissingPartsAndAbsurdSizes) {
  GgufWriter split = headroom::testing::TinyModel();
  split.Add("split.count", uint32_t{2});
  std::vector<HeaderPart> parts;
  ASSERT_TRUE(AddPart(parts, PartOf(split)));
  EXPECT_THAT(AssembleModel(parts).error().message(), HasSubstr("one of 2 parts, found 1"));
  ASSERT_TRUE(AddPart(parts, PartOf(split)));
  EXPECT_TRUE(parts[1].header.metadata.empty());
  EXPECT_TRUE(AssembleModel(parts));
  std::vector<HeaderPart> huge;
  ASSERT_TRUE(AddPart(huge, PartOf(headroom::testing::TinyModel(), (uint64_t{1} << 50) + 1)));
  EXPECT_THAT(AssembleModel(huge).error().message(), HasSubstr("out of range"));
  HeaderPart wide = PartOf(split);
  wide.header.header_bytes = kMaxHeaderBytes;
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(AddPart(parts, wide));
  ASSERT_TRUE(AddPart(parts, wide));
  EXPECT_THAT(AddPart(parts, wide).error().message(), HasSubstr("headers of its parts exceed"));
}

TEST_F(HeaderTest, FilesGiveTheSameModelAndTheirRawHeader) {
  const GgufWriter writer = headroom::testing::TinyModel();
  const std::string path = folder_ + "/tiny.gguf";
  ASSERT_TRUE(writer.WriteTo(path));
  const auto header = ReadLocalHeader(path);
  ASSERT_TRUE(header) << header.error().message();
  EXPECT_EQ(header->model.file_bytes, writer.FileBytes());
  const auto raw = ReadRawHeader(path);
  ASSERT_TRUE(raw) << raw.error().message();
  EXPECT_EQ(raw->file_bytes, writer.FileBytes());
  EXPECT_EQ(raw->bytes, writer.Header().substr(0, raw->bytes.size()));
  std::filesystem::resize_file(path, writer.FileBytes() - 64);
  EXPECT_THAT(ReadLocalHeader(path).error().message(), HasSubstr(path));
  std::filesystem::resize_file(path, 100);
  EXPECT_THAT(ReadRawHeader(path).error().message(), HasSubstr(path));
  EXPECT_FALSE(ReadRawHeader(folder_));
  EXPECT_EQ(ReadRawHeader(folder_ + "/absent").error().code(), Code::kNotFound);
}

}  // namespace
}  // namespace headroom::sources

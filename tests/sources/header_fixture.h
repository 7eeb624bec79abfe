// Headers over real sockets: a double of the Hub with TLS on loopback, a double of an exporter, and
// files. The policy admits loopback by entry, as an operator would admit a host of their own.
#pragma once

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

namespace asio = boost::asio;
using namespace std::chrono_literals;
using headroom::testing::GgufWriter;
using ::testing::HasSubstr;

// 600,000 bytes of vocabulary: a header that a small range does not cover.
inline GgufWriter WordyModel() {
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
inline net::HttpResponse Ranged(const net::HttpRequest& request, const std::string& file,
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

inline std::string FileOf(const GgufWriter& writer) {
  std::string file = writer.Header();
  file.resize(writer.FileBytes());
  return file;
}

}  // namespace headroom::sources

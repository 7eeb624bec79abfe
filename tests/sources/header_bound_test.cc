// A host that stalls inside a header: what was read by the deadline gives an upper bound.
#include "estimator/footprint.h"
#include "sources/header_remote.h"
#include "tests/sources/hub_double.h"
#include "tests/support/run_coro.h"
#include "tests/tools/tiny_models.h"

namespace headroom::sources {
namespace {

using namespace std::chrono_literals;
using headroom::test::RunCoro;

class HeaderBoundTest : public ::testing::Test {
 protected:
  // `sent` bytes of a 600 kB header of a 1 GiB file, then silence.
  Result<ModelHeader> Read(size_t sent) {
    auto writer = headroom::testing::TinyModel();
    writer.Add("tokenizer.ggml.merges", std::vector<std::string>(20000, std::string(22, 'x')));
    const std::string header = writer.Header();
    const std::string body = header.substr(0, sent);
    const std::string head =
        "HTTP/1.1 206 Partial Content\r\nETag: \"v1\"\r\nContent-Range: bytes 0-16777215/1073741824"
        "\r\nContent-Length: 16777216\r\n\r\n";
    test::HubDouble hub(context_, [&](const std::string&) {
      return test::Reply{.bytes = head + body, .hold = true};
    });
    const auto policy = *AddressPolicy::Parse({hub.HostPort()});
    net::HttpClientOptions options;
    options.tls = net::MakeClientContext(
                      {.ca_pem = test::TestIdentity().ca_pem, .certificate_pem = "", .key_pem = ""})
                      .value();
    options.address_guard = [&policy](std::string_view host, std::string_view address) {
      return policy.CheckAddress(host, address);
    };
    net::HttpClient client(context_.get_executor(), std::move(options));
    auto result =
        RunCoro(context_,
                ReadRemoteHeaderOrBound(client, policy, *ParseSource(hub.UrlOf("/m.gguf")), "",
                                        net::After(400ms)),
                5s);
    RunCoro(context_, hub.Stop(), 5s);
    return result;
  }
  boost::asio::io_context context_{1};
};

TEST_F(HeaderBoundTest, TheFirst64KiBAreEnough) {
  const auto header = Read(64u << 10);
  ASSERT_TRUE(header) << header.error().message();
  EXPECT_TRUE(header->model.bound);
  EXPECT_EQ(header->model.architecture, "llama");
  EXPECT_EQ(header->model.file_bytes, 1u << 30);
  EXPECT_EQ(header->bytes_read, 64u << 10);
  const auto footprint = estimator::Estimate(header->model, {});
  ASSERT_TRUE(footprint);
  EXPECT_EQ(footprint->method, estimator::Method::kBound);
  EXPECT_GT(footprint->load_bytes, uint64_t{1} << 30);
}

TEST_F(HeaderBoundTest, TooLittleIsATimeout) {
  const auto header = Read(100);
  ASSERT_FALSE(header);
  EXPECT_EQ(header.error().code(), Code::kTimeout);
}

}  // namespace
}  // namespace headroom::sources

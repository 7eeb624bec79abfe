// TLS over real sockets. Certificates are made here; no key is in the repository.
#include "net/tls.h"

#include <openssl/ssl.h>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <filesystem>

#include "certs/certs.h"
#include "common/files.h"
#include "tests/net/net_fixture.h"

namespace headroom::net::test {
namespace {

using std::chrono::hours;
using testing::HasSubstr;
namespace fs = std::filesystem;

const WallTime kNow = std::chrono::system_clock::now();

class TlsTest : public NetTest {
 protected:
  TlsTest() {
    std::string path = testing::TempDir() + "tls_XXXXXX";
    folder_ = mkdtemp(path.data());
    WritePair(Leaf());
  }
  ~TlsTest() override { fs::remove_all(folder_); }

  certs::KeyPair Leaf(bool client = false, hours lifetime = hours(24)) {
    certs::LeafOptions options;
    options.common_name = "test";
    options.dns_names = {"webhook.test"};
    options.ip_addresses = {"127.0.0.1"};
    options.client = client;
    return *certs::MakeLeaf(ca_, options, kNow, lifetime);
  }
  void WritePair(const certs::KeyPair& pair) {
    ASSERT_TRUE(WriteFileAtomically(CertFile(), pair.certificate_pem));
    ASSERT_TRUE(WriteFileAtomically(KeyFile(), pair.key_pem));
  }
  std::string CertFile() const { return folder_ + "/tls.crt"; }
  std::string KeyFile() const { return folder_ + "/tls.key"; }

  void ServeTls(TlsServerOptions more = {}, HttpServerOptions options = {}) {
    more.certificate_file = CertFile();
    more.key_file = KeyFile();
    auto loaded = TlsServer::Load(more);
    ASSERT_TRUE(loaded) << loaded.error().message();
    tls_ = std::move(*loaded);
    options.tls = tls_.get();
    Serve(Echo, options);
  }
  HttpClientOptions Trusting(const certs::KeyPair& ca, const certs::KeyPair& client = {}) {
    TlsClientOptions tls;
    tls.ca_pem = ca.certificate_pem;
    tls.certificate_pem = client.certificate_pem;
    tls.key_pem = client.key_pem;
    HttpClientOptions options;
    options.tls = *MakeClientContext(tls);
    return options;
  }
  Result<HttpResponse> Fetch(HttpClient& client, HttpRequest request = {}) {
    return Run(client.Fetch(UrlOf("/x", "https"), std::move(request), After(1s)));
  }

  certs::KeyPair ca_ = *certs::MakeCa("ca", kNow, hours(48));
  std::string folder_;
  std::unique_ptr<TlsServer> tls_;
};

TEST_F(TlsTest, ServesOverTls13AndKeepsTheConnection) {
  ServeTls();
  HttpClient client(context_.get_executor(), Trusting(ca_));
  HttpRequest post;
  post.method = "POST";
  post.body = std::string(300'000, 'b');
  const auto first = Fetch(client, post);
  ASSERT_TRUE(first) << first.error().message();
  EXPECT_EQ(first->body.size(), 300'000u + 9);
  ASSERT_TRUE(Fetch(client));
  EXPECT_EQ(server_->connections(), 1u);
}

TEST_F(TlsTest, ClientRefusesStrangersAndOtherNames) {
  ServeTls();
  const auto other = *certs::MakeCa("other", kNow, hours(48));
  HttpClient wrong_ca(context_.get_executor(), Trusting(other));
  const auto stranger = Fetch(wrong_ca);
  ASSERT_FALSE(stranger);
  EXPECT_THAT(stranger.error().message(), HasSubstr("unable to get local issuer certificate"));
  HttpClientOptions options = Trusting(ca_);
  options.tls_server_name = "elsewhere.test";
  HttpClient wrong_name(context_.get_executor(), options);
  const auto named = Fetch(wrong_name);
  ASSERT_FALSE(named);
  EXPECT_THAT(named.error().message(),
              HasSubstr("not valid for elsewhere.test: hostname mismatch"));
  options.tls_server_name = "webhook.test";
  HttpClient right_name(context_.get_executor(), options);
  EXPECT_TRUE(Fetch(right_name));
}

// `alpn`: what the client offers, each with its length in front; "" = nothing.
asio::awaitable<boost::system::error_code> Handshake(uint16_t port, int max_version,
                                                     std::string alpn = "") {
  asio::ssl::context context(asio::ssl::context::tls_client);
  SSL_CTX_set_max_proto_version(context.native_handle(), max_version);
  SSL_CTX_set_alpn_protos(context.native_handle(),
                          reinterpret_cast<const unsigned char*>(alpn.data()),
                          static_cast<unsigned>(alpn.size()));
  asio::ssl::stream<tcp::socket> stream(co_await asio::this_coro::executor, context);
  const tcp::endpoint server(asio::ip::address_v4::loopback(), port);
  co_await stream.lowest_layer().async_connect(server, asio::use_awaitable);
  const auto [ec] = co_await stream.async_handshake(asio::ssl::stream_base::client, kToken);
  const unsigned char* selected = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(stream.native_handle(), &selected, &length);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(selected), length),
            ec || alpn.empty() ? "" : "http/1.1");
  co_return ec;
}

TEST_F(TlsTest, SpeaksHttp11AndNothingElse) {
  ServeTls();
  EXPECT_FALSE(Run(Handshake(server_->port(), TLS1_3_VERSION, "\x02h2\x08http/1.1")));
  EXPECT_FALSE(Run(Handshake(server_->port(), TLS1_3_VERSION, "\x08http/1.1")));
  EXPECT_TRUE(Run(Handshake(server_->port(), TLS1_3_VERSION, "\x02h2")));
}

TEST_F(TlsTest, RefusesTls12ByDefault) {
  ServeTls();
  EXPECT_TRUE(Run(Handshake(server_->port(), TLS1_2_VERSION)));
  EXPECT_FALSE(Run(Handshake(server_->port(), TLS1_3_VERSION)));
}

TEST_F(TlsTest, TakesTls12WhenAllowedButNothingOlder) {
  TlsServerOptions options;
  options.allow_tls12 = true;
  ServeTls(options);
  EXPECT_FALSE(Run(Handshake(server_->port(), TLS1_2_VERSION)));
  EXPECT_TRUE(Run(Handshake(server_->port(), TLS1_1_VERSION)));
}

TEST_F(TlsTest, DropsAClientThatNeverShakesHands) {
  HttpServerOptions options;
  options.handshake_timeout = 30ms;
  ServeTls({}, options);
  RawClient client(context_);
  EXPECT_EQ(Run(client.Ask(server_->port(), "")), "");
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(TlsTest, AsksForClientCertificates) {
  TlsServerOptions options;
  options.client_ca_file = folder_ + "/ca.crt";
  ASSERT_TRUE(WriteFileAtomically(options.client_ca_file, ca_.certificate_pem));
  ServeTls(options);
  HttpClient anonymous(context_.get_executor(), Trusting(ca_));
  EXPECT_FALSE(Fetch(anonymous));
  HttpClient known(context_.get_executor(), Trusting(ca_, Leaf(true)));
  const auto got = Fetch(known);
  ASSERT_TRUE(got) << got.error().message();
}

TEST_F(TlsTest, TakesOnlyTheListedClients) {
  TlsServerOptions options;
  options.client_ca_file = folder_ + "/ca.crt";
  ASSERT_TRUE(WriteFileAtomically(options.client_ca_file, ca_.certificate_pem));
  const struct {
    std::vector<std::string> subjects;
    bool taken;
  } cases[] = {{{"someone", "test"}, true},  // the common name
               {{"webhook.test"}, true},     // a DNS name
               {{"tes"}, false},
               {{"127.0.0.1"}, false},  // addresses are no names
               {{"ca"}, false}};        // the issuer's name is not the caller's
  for (const auto& c : cases) {
    options.client_subjects = c.subjects;
    options.certificate_file = CertFile();
    options.key_file = KeyFile();
    tls_ = *TlsServer::Load(options);
    HttpServerOptions server_options;
    server_options.tls = tls_.get();
    Serve(Echo, server_options);
    HttpClient client(context_.get_executor(), Trusting(ca_, Leaf(true)));
    EXPECT_EQ(Fetch(client).has_value(), c.taken) << c.subjects.front();
    StopServing();
  }
}

TEST_F(TlsTest, TakesAPairFromMemory) {
  const auto first = Leaf();
  tls_ = *TlsServer::Load({}, {first.certificate_pem, first.key_pem});
  HttpServerOptions options;
  options.tls = tls_.get();
  Serve(Echo, options);
  HttpClient client(context_.get_executor(), Trusting(ca_));
  EXPECT_TRUE(Fetch(client));
  EXPECT_FALSE(*tls_->ReloadIfChanged());  // no files to read
  const auto next = Leaf(false, hours(36));
  EXPECT_FALSE(tls_->Replace({next.certificate_pem, first.key_pem}));
  EXPECT_EQ(tls_->chain_pem(), first.certificate_pem);
  EXPECT_TRUE(*tls_->Replace({next.certificate_pem, next.key_pem}));
  EXPECT_EQ(tls_->chain_pem(), next.certificate_pem);
  HttpClient fresh(context_.get_executor(), Trusting(ca_));
  EXPECT_TRUE(Fetch(fresh));
  EXPECT_FALSE(TlsServer::Load({}, {"", ""}));
}

TEST_F(TlsTest, ReloadsWithoutDroppingLiveConnections) {
  ServeTls();
  HttpClient client(context_.get_executor(), Trusting(ca_));
  ASSERT_TRUE(Fetch(client));
  const WallTime before = tls_->not_after();
  EXPECT_FALSE(*tls_->ReloadIfChanged());
  WritePair(Leaf(false, hours(36)));
  EXPECT_TRUE(*tls_->ReloadIfChanged());
  EXPECT_EQ(tls_->not_after(), before + hours(12));
  EXPECT_EQ(tls_->reloads(), 1u);
  ASSERT_TRUE(Fetch(client));  // on the old connection
  EXPECT_EQ(server_->connections(), 1u);
  HttpClient fresh(context_.get_executor(), Trusting(ca_));
  EXPECT_TRUE(Fetch(fresh));
}

TEST_F(TlsTest, KeepsTheOldPairWhenTheNewOneIsHalfOrJunk) {
  ServeTls();
  const auto next = Leaf();
  ASSERT_TRUE(WriteFileAtomically(CertFile(), next.certificate_pem));
  const auto half = tls_->ReloadIfChanged();
  ASSERT_FALSE(half);
  EXPECT_EQ(half.error().message(),
            KeyFile() + ": the key does not belong to the certificate in " + CertFile());
  ASSERT_TRUE(WriteFileAtomically(CertFile(), "junk"));
  EXPECT_THAT(tls_->ReloadIfChanged().error().message(), HasSubstr("expected a PEM certificate"));
  fs::remove(CertFile());
  EXPECT_FALSE(tls_->ReloadIfChanged());
  EXPECT_EQ(tls_->reload_errors(), 3u);
  HttpClient client(context_.get_executor(), Trusting(ca_));
  EXPECT_TRUE(Fetch(client));
  WritePair(next);
  EXPECT_TRUE(*tls_->ReloadIfChanged());
}

TEST_F(TlsTest, WatchPicksUpANewPair) {
  ServeTls();
  group_.Spawn(tls_->Watch(1ms));
  WritePair(Leaf());
  const auto deadline = After(1s);
  while (tls_->reloads() == 0 && std::chrono::steady_clock::now() < deadline) {
    Run(SleepFor(1ms));
  }
  EXPECT_EQ(tls_->reloads(), 1u);
  group_.Cancel();
}

TEST_F(TlsTest, NamesWhatIsWrongWithTheFiles) {
  const auto missing = TlsServer::Load({CertFile(), folder_ + "/none.key", false, "", {}});
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message(), HasSubstr("none.key: No such file"));
  ASSERT_TRUE(WriteFileAtomically(KeyFile(), "junk"));
  const auto junk = TlsServer::Load({CertFile(), KeyFile(), false, "", {}});
  ASSERT_FALSE(junk);
  EXPECT_THAT(junk.error().message(),
              HasSubstr("tls.key: expected an unencrypted PEM private key"));
  EXPECT_FALSE(MakeClientContext({"junk", "", ""}));
  EXPECT_FALSE(MakeClientContext({"", Leaf().certificate_pem, ""}));
}

TEST_F(TlsTest, AServerWithoutTlsIsNamed) {
  Serve(Echo);
  HttpClient client(context_.get_executor(), Trusting(ca_));
  const auto got = Fetch(client);
  ASSERT_FALSE(got);
  EXPECT_THAT(got.error().message(), HasSubstr("TLS handshake: "));
}

}  // namespace
}  // namespace headroom::net::test

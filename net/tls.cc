#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>
#include <ctime>

#include "common/files.h"
#include "common/log.h"
#include "net/async.h"
#include "net/client_auth.h"

namespace headroom::net {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;

namespace {

constexpr size_t kMaxPemBytes = 1 << 20;  // a CA bundle of a whole system is a quarter of this
// AES-128 first: it is the cheapest, and as strong as the P-256 key behind it.
constexpr const char* kTls13Suites =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
// Not the finite-field and 448-bit ones, with which a caller could buy much of our time cheaply.
constexpr const char* kGroups = "X25519:P-256:P-384";
// TLS 1.2 only with forward secrecy and AEAD.
constexpr const char* kTls12Suites =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

asio::const_buffer Bytes(const std::string& text) { return asio::buffer(text.data(), text.size()); }

Error Bad(const std::string& subject, const std::string& why) {
  ERR_clear_error();
  return Error(Code::kInvalid, subject + ": " + why);
}

WallTime NotAfter(SSL_CTX* context) {
  tm parts{};
  const X509* leaf = SSL_CTX_get0_certificate(context);
  if (leaf == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &parts) != 1) return {};
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

Result<void> UsePair(ssl::context& context, const std::string& certificate_pem,
                     const std::string& certificate_name, const std::string& key_pem,
                     const std::string& key_name) {
  error_code ec;
  context.use_certificate_chain(Bytes(certificate_pem), ec);
  if (ec) {
    return Bad(certificate_name, "expected a PEM certificate chain, leaf first: " + ec.message());
  }
  context.use_private_key(Bytes(key_pem), ssl::context::pem, ec);
  const bool matches = !ec && SSL_CTX_check_private_key(context.native_handle()) == 1;
  if (ERR_GET_REASON(static_cast<unsigned long>(ec.value())) == X509_R_KEY_VALUES_MISMATCH ||
      (!ec && !matches)) {
    return Bad(key_name, "the key does not belong to the certificate in " + certificate_name);
  }
  if (ec) return Bad(key_name, "expected an unencrypted PEM private key: " + ec.message());
  return {};
}

// HTTP/1.1 is all there is; a client that offers only others is told so.
int SelectHttp11(SSL*, const unsigned char** out, unsigned char* out_length,
                 const unsigned char* offered, unsigned int length, void*) {
  static constexpr unsigned char kHttp11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* selected = nullptr;
  if (SSL_select_next_proto(&selected, out_length, kHttp11, sizeof kHttp11, offered, length) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

void Harden(SSL_CTX* native, bool allow_tls12) {
  SSL_CTX_set_min_proto_version(native, allow_tls12 ? TLS1_2_VERSION : TLS1_3_VERSION);
  SSL_CTX_set_cipher_list(native, kTls12Suites);
  SSL_CTX_set_ciphersuites(native, kTls13Suites);
  SSL_CTX_set1_groups_list(native, kGroups);
  // No resumption: it saves a caller with open connections nothing, replicas share no tickets, and
  // a ticket would stand for a client certificate that may have been replaced since.
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                  SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(native, 0);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_alpn_select_cb(native, SelectHttp11, nullptr);
}

Result<TlsPair> ReadPair(const TlsServerOptions& options) {
  auto chain = ReadFile(options.certificate_file, kMaxPemBytes);
  if (!chain) return chain.error();
  auto key = ReadFile(options.key_file, kMaxPemBytes);
  if (!key) return key.error();
  return TlsPair{std::move(*chain), std::move(*key)};
}

Result<SslContext> MakeServerContext(const TlsServerOptions& options, const TlsPair& pair,
                                     const std::string& ca_pem) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  Harden(context->native_handle(), options.allow_tls12);
  const bool files = !options.certificate_file.empty();
  auto paired = UsePair(*context, pair.chain_pem, files ? options.certificate_file : "certificate",
                        pair.key_pem, files ? options.key_file : "key");
  if (!paired) return paired.error();
  if (!options.client_ca_file.empty()) {
    auto required =
        RequireClients(*context, ca_pem, options.client_ca_file, options.client_subjects);
    if (!required) return required.error();
  }
  return context;
}

}  // namespace

Result<std::unique_ptr<TlsServer>> TlsServer::Load(TlsServerOptions options) {
  std::unique_ptr<TlsServer> server(new TlsServer(std::move(options)));
  const auto loaded = server->ReloadIfChanged();
  if (!loaded) return loaded.error();
  server->reloads_ = 0;  // the first load is none
  return server;
}

Result<std::unique_ptr<TlsServer>> TlsServer::Load(TlsServerOptions options, TlsPair pair) {
  std::unique_ptr<TlsServer> server(new TlsServer(std::move(options)));
  const auto taken = server->Replace(std::move(pair));
  if (!taken) return taken.error();
  server->reloads_ = 0;
  return server;
}

Result<bool> TlsServer::Replace(TlsPair pair) {
  auto taken = Take(std::move(pair));
  if (!taken) ++reload_errors_;
  return taken;
}

Result<bool> TlsServer::ReloadIfChanged() {
  TlsPair pair = pair_;
  if (!options_.certificate_file.empty()) {
    auto read = ReadPair(options_);
    if (!read) {
      ++reload_errors_;
      return read.error();
    }
    pair = std::move(*read);
  }
  return Replace(std::move(pair));
}

Result<bool> TlsServer::Take(TlsPair pair) {
  std::string client_ca;
  if (!options_.client_ca_file.empty()) {
    auto ca = ReadFile(options_.client_ca_file, kMaxPemBytes);
    if (!ca) return ca.error();
    client_ca = std::move(*ca);
  }
  const bool same = pair.chain_pem == pair_.chain_pem && pair.key_pem == pair_.key_pem;
  if (context_ && same && client_ca == client_ca_pem_) return false;
  auto context = MakeServerContext(options_, pair, client_ca);
  if (!context) return context.error();
  context_ = std::move(*context);
  pair_ = std::move(pair);
  client_ca_pem_ = std::move(client_ca);
  not_after_ = NotAfter(context_->native_handle());
  ++reloads_;
  return true;
}

asio::awaitable<void> TlsServer::Watch(std::chrono::milliseconds interval) {
  std::string last_problem;  // told once, not every ten seconds
  for (;;) {
    co_await SleepFor(interval);
    const auto reloaded = ReloadIfChanged();
    const std::string problem = reloaded ? "" : reloaded.error().message();
    if (!problem.empty() && problem != last_problem) {
      LogWarn("cannot reload the server certificate; the old one stays", {{"error", problem}});
    }
    if (reloaded && *reloaded) {
      LogInfo("server certificate reloaded", {{"not_after", FormatRfc3339(not_after_)}});
    }
    last_problem = problem;
  }
}

Result<SslContext> MakeClientContext(const TlsClientOptions& options) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  error_code ec;
  if (options.ca_pem.empty()) {
    context->set_default_verify_paths(ec);
    if (ec) return Bad("system trust store", ec.message());
  } else {
    context->add_certificate_authority(Bytes(options.ca_pem), ec);
    if (ec) return Bad("CA bundle", "expected PEM certificates: " + ec.message());
  }
  context->set_verify_mode(ssl::verify_peer, ec);
  if (options.certificate_pem.empty() != options.key_pem.empty()) {
    return Bad("client certificate", "expected both a certificate and a key");
  }
  if (!options.certificate_pem.empty()) {
    auto paired = UsePair(*context, options.certificate_pem, "client certificate", options.key_pem,
                          "client key");
    if (!paired) return paired.error();
  }
  return context;
}

}  // namespace headroom::net

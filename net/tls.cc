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

namespace headroom::net {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;

namespace {

constexpr size_t kMaxPemBytes = 1 << 20;  // a CA bundle of a whole system is a quarter of this
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

Result<void> RequireClients(ssl::context& context, const std::string& ca_pem,
                            const std::string& ca_name) {
  error_code ec;
  context.add_certificate_authority(Bytes(ca_pem), ec);
  if (ec) return Bad(ca_name, "expected PEM certificates: " + ec.message());
  context.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert, ec);
  // A ticket would stand for a certificate that may have been revoked or replaced since.
  SSL_CTX_set_options(context.native_handle(), SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context.native_handle(), 0);
  SSL_CTX_set_session_cache_mode(context.native_handle(), SSL_SESS_CACHE_OFF);
  return {};
}

Result<SslContext> MakeServerContext(const TlsServerOptions& options, const std::string& chain_pem,
                                     const std::string& key_pem, const std::string& ca_pem) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  SSL_CTX* native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, options.allow_tls12 ? TLS1_2_VERSION : TLS1_3_VERSION);
  SSL_CTX_set_cipher_list(native, kTls12Suites);
  SSL_CTX_set_options(
      native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  auto paired = UsePair(*context, chain_pem, options.certificate_file, key_pem, options.key_file);
  if (!paired) return paired.error();
  if (!options.client_ca_file.empty()) {
    auto required = RequireClients(*context, ca_pem, options.client_ca_file);
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

Result<bool> TlsServer::ReloadIfChanged() {
  const auto fail = [this](const Error& error) {
    ++reload_errors_;
    return error;
  };
  const auto chain = ReadFile(options_.certificate_file, kMaxPemBytes);
  if (!chain) return fail(chain.error());
  const auto key = ReadFile(options_.key_file, kMaxPemBytes);
  if (!key) return fail(key.error());
  std::string client_ca;
  if (!options_.client_ca_file.empty()) {
    const auto ca = ReadFile(options_.client_ca_file, kMaxPemBytes);
    if (!ca) return fail(ca.error());
    client_ca = *ca;
  }
  if (*chain == certificate_pem_ && *key == key_pem_ && client_ca == client_ca_pem_) return false;
  const auto context = MakeServerContext(options_, *chain, *key, client_ca);
  if (!context) return fail(context.error());
  context_ = *context;
  certificate_pem_ = *chain;
  key_pem_ = *key;
  client_ca_pem_ = client_ca;
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

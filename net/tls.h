// TLS contexts. Server certificates reload without dropping connections: both files are polled
// (Secret mounts are symlink swaps, macOS has no inotify), compared as bytes, and a NEW context is
// swapped in only when key, certificate and chain agree; live connections finish on their own.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "common/result.h"
#include "common/time.h"

namespace boost::asio::ssl {
class context;
}

namespace headroom::net {

using SslContext = std::shared_ptr<boost::asio::ssl::context>;

struct TlsServerOptions {
  std::string certificate_file;  // PEM chain, leaf first
  std::string key_file;          // PEM
  bool allow_tls12 = false;      // TLS 1.3 only unless set; 1.2 with ECDHE-AEAD suites
  std::string client_ca_file;    // when set, clients must present a certificate it signed
};

// Owns the current server context. Current() is what new connections use.
class TlsServer {
 public:
  // Reads and checks the pair; the error says which file, what is wrong and what to do.
  static Result<std::unique_ptr<TlsServer>> Load(TlsServerOptions options);

  SslContext Current() const { return context_; }
  // Polls until cancelled; a half-rotated or junk pair is logged once and the old pair kept.
  boost::asio::awaitable<void> Watch(std::chrono::milliseconds interval);
  // One poll: true when a new pair was taken. Errors leave the old pair in place.
  Result<bool> ReloadIfChanged();

  WallTime not_after() const { return not_after_; }  // of the current leaf
  uint64_t reloads() const { return reloads_; }
  uint64_t reload_errors() const { return reload_errors_; }

 private:
  explicit TlsServer(TlsServerOptions options) : options_(std::move(options)) {}
  TlsServerOptions options_;
  SslContext context_;
  std::string certificate_pem_, key_pem_, client_ca_pem_;
  WallTime not_after_{};
  uint64_t reloads_ = 0, reload_errors_ = 0;
};

struct TlsClientOptions {
  std::string ca_pem;           // trust only these; empty = the system's trust store
  std::string certificate_pem;  // client certificate and key, both or neither
  std::string key_pem;
};
Result<SslContext> MakeClientContext(const TlsClientOptions& options);

}  // namespace headroom::net

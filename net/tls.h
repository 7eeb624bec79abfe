// TLS contexts. Server certificates change without dropping connections: a NEW context is swapped
// in only when key, certificate and chain agree; live connections finish on their own. The pair
// comes from files, which are polled (Secret mounts are symlink swaps, macOS has no inotify) and
// compared as bytes, or from whoever calls Replace().
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/time.h"

namespace boost::asio::ssl {
class context;
}

namespace headroom::net {

using SslContext = std::shared_ptr<boost::asio::ssl::context>;

struct TlsServerOptions {
  std::string certificate_file;  // PEM chain, leaf first; empty = Replace() brings the pair
  std::string key_file;          // PEM
  bool allow_tls12 = false;      // TLS 1.3 only unless set; 1.2 with ECDHE-AEAD suites
  std::string client_ca_file;    // when set, clients must present a certificate it signed ...
  // ... and, unless empty, one whose common name or a DNS name is listed here.
  std::vector<std::string> client_subjects = {};
};

struct TlsPair {
  std::string chain_pem, key_pem;
};

// Owns the current server context. Current() is what new connections use.
class TlsServer {
 public:
  // Reads and checks the pair; the error says which file, what is wrong and what to do.
  static Result<std::unique_ptr<TlsServer>> Load(TlsServerOptions options);
  // With `pair` in place of the files.
  static Result<std::unique_ptr<TlsServer>> Load(TlsServerOptions options, TlsPair pair);

  SslContext Current() const { return context_; }
  // Polls until cancelled; a half-rotated or junk pair is logged once and the old pair kept.
  boost::asio::awaitable<void> Watch(std::chrono::milliseconds interval);
  // One poll: true when something new was taken. Errors leave what was there in place.
  Result<bool> ReloadIfChanged();
  // For a server without certificate files: takes `pair` for new connections, like a reload.
  Result<bool> Replace(TlsPair pair);

  const std::string& chain_pem() const { return pair_.chain_pem; }
  WallTime not_after() const { return not_after_; }  // of the current leaf
  uint64_t reloads() const { return reloads_; }
  uint64_t reload_errors() const { return reload_errors_; }

 private:
  explicit TlsServer(TlsServerOptions options) : options_(std::move(options)) {}
  Result<bool> Take(TlsPair pair);

  TlsServerOptions options_;
  SslContext context_;
  TlsPair pair_;
  std::string client_ca_pem_;
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

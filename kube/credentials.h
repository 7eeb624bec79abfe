// The credentials of a Config as their files hold them now. A file that cannot be read while it is
// being replaced leaves the last good value in place. No network.
#pragma once

#include <string>

#include "common/result.h"
#include "kube/config.h"
#include "net/tls.h"

namespace headroom::kube {

class Credentials {
 public:
  // `config` must outlive this.
  explicit Credentials(const Config& config) : config_(config) {}

  // Reads every file again. True when the TLS material is new (always the first time). Errors only
  // until all files were read once; later ones are logged.
  Result<bool> Refresh();

  const net::TlsClientOptions& tls() const { return tls_; }
  const std::string& token() const { return token_; }

 private:
  Result<void> Read(net::TlsClientOptions& tls, std::string& token) const;

  const Config& config_;
  bool loaded_ = false, complained_ = false;
  net::TlsClientOptions tls_;
  std::string token_;
};

}  // namespace headroom::kube

// X.509 for servers and tests: make a CA, make leaves, check that a leaf chains to a bundle. P-256
// keys, SHA-256, NotBefore one hour back for clocks that disagree. OpenSSL only.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "common/time.h"

namespace headroom::certs {

struct KeyPair {
  std::string certificate_pem;  // leaf first, then intermediates
  std::string key_pem;          // PKCS#8
};

struct LeafOptions {
  std::string common_name;
  std::vector<std::string> organizations = {};
  std::vector<std::string> dns_names = {};
  std::vector<std::string> ip_addresses = {};
  bool client = false;  // clientAuth instead of serverAuth
};

// How far NotBefore lies before the `now` a certificate was made at.
inline constexpr std::chrono::hours kBackdated{1};

// `lifetime` counts from `now` to NotAfter.
Result<KeyPair> MakeCa(std::string_view common_name, WallTime now, std::chrono::seconds lifetime);
Result<KeyPair> MakeLeaf(const KeyPair& ca, const LeafOptions& options, WallTime now,
                         std::chrono::seconds lifetime);

struct CertificateInfo {
  std::string subject;
  WallTime not_before, not_after;
  std::vector<std::string> dns_names, ip_addresses;
};
Result<CertificateInfo> Describe(std::string_view certificate_pem);

// Ok when the leaf in `certificate_pem` is a server's, is signed by one of `ca_bundle_pem`, for
// `host`, at `now`; the value is that CA.
Result<CertificateInfo> VerifyChain(std::string_view certificate_pem,
                                    std::string_view ca_bundle_pem, std::string_view host,
                                    WallTime now);
// Ok when key and certificate belong together.
Result<void> VerifyPair(std::string_view certificate_pem, std::string_view key_pem);

// The certificates of a bundle, each as PEM in OpenSSL's layout, in order and without repetitions,
// so that bundles compare as texts.
Result<std::vector<std::string>> SplitBundle(std::string_view ca_bundle_pem);

}  // namespace headroom::certs

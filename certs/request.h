// A key and the PKCS#10 request for its certificate, for a signer that never sees the key.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace headroom::certs {

struct CertificateRequest {
  std::string request_pem;
  std::string key_pem;  // PKCS#8
};

// P-256, SHA-256, the subject and nothing else. An empty or overlong common name is kInvalid.
Result<CertificateRequest> MakeRequest(std::string_view common_name,
                                       const std::vector<std::string>& organizations = {});

}  // namespace headroom::certs

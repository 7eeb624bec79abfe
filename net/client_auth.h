// Callers that must show who they are: a CA and, optionally, which of its certificates. Internal to
// net/.
#pragma once

#include <string>
#include <vector>

#include "common/result.h"
#include "net/tls.h"

namespace headroom::net {

// Makes `context` refuse a handshake without a certificate that `ca_pem` signed and, unless
// `subjects` is empty, whose common name or a DNS name is one of them. Errors name `ca_name`.
Result<void> RequireClients(boost::asio::ssl::context& context, const std::string& ca_pem,
                            const std::string& ca_name, std::vector<std::string> subjects);

}  // namespace headroom::net

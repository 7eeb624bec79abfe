#include "net/listen_options.h"

#include "net/http.h"

namespace headroom::net {

void AddListenFlags(Flags& flags, ListenOptions& options) {
  flags.Add("listen", options.listen, "HOST:PORT", "address to serve on; port 0 = any");
  flags.Add("tls-cert", options.tls_cert, "FILE",
            "certificate chain (PEM) to serve over TLS; read again when it changes");
  flags.Add("tls-key", options.tls_key, "FILE", "its private key (PEM)");
  flags.Add("log-level", "LEVEL", "debug, info, warn or error", "info",
            [&options](std::string_view text) -> Result<void> {
              const auto level = ParseLogLevel(text);
              if (!level) return level.error();
              options.log_level = *level;
              return {};
            });
}

Result<void> CheckListenOptions(const ListenOptions& options) {
  if (const auto listen = ParseEndpoint(options.listen); !listen) {
    return listen.error().Within("--listen");
  }
  if (options.tls_cert.empty() != options.tls_key.empty()) {
    return Error(Code::kInvalid, "--tls-cert and --tls-key: expected both or neither");
  }
  return {};
}

}  // namespace headroom::net

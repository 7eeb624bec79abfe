// The flags that every daemon shares: where it serves, with which certificate, how much it logs.
#pragma once

#include <string>

#include "common/flags.h"
#include "common/log.h"

namespace headroom::net {

struct ListenOptions {
  std::string listen;             // HOST:PORT
  std::string tls_cert, tls_key;  // PEM files, both or neither
  LogLevel log_level = LogLevel::kInfo;
};

// `options` must outlive `flags`; its `listen` is the default that --help prints.
void AddListenFlags(Flags& flags, ListenOptions& options);
// What the flags must mean together; errors name the flag.
Result<void> CheckListenOptions(const ListenOptions& options);

}  // namespace headroom::net

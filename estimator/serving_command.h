// ServerCommand: a llama-server command line (and its LLAMA_ARG_* environment) as far as it decides
// memory. Reads what llama-server 0.7.0 reads (common/arg.cpp): long, short and negated names,
// underscores for dashes; beside that "--name=value" and the names of older versions.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "estimator/serving.h"

namespace headroom::estimator {

// A file that llama-server loads beside the model; what it weighs stands in its own header.
struct Companion {
  enum class Role : uint8_t { kProjector, kLora, kControlVector, kDraft, kLookupCache } role = {};
  std::string file = {};  // as written: a path or a URL
  std::string flag = {};  // that names it, for messages
  friend bool operator==(const Companion&, const Companion&) = default;
};

struct ServerCommand {
  ServingOptions serving = {};
  std::vector<Companion> companions = {};
  std::string model = {};                  // of -m; "" if the command line names none
  std::vector<std::string> warnings = {};  // options that are unknown or not counted
};

// nullptr for an unset variable; injected so that tests and the webhook read no real environment.
using GetEnvironment = std::function<const char*(const char*)>;

// `words` may start with assignments (LLAMA_ARG_CTX_SIZE=4096) and the program's name. The
// environment comes first, the words overrule it, both overrule `defaults`. Errors (kInvalid) name
// option and value: "--ctx-size: expected a number, got 'x'".
Result<ServerCommand> ParseServerCommand(const ServingOptions& defaults,
                                         const std::vector<std::string>& words,
                                         const GetEnvironment& environment);

}  // namespace headroom::estimator

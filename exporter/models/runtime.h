// Runtime: what the installed llama-server is and which arguments it knows, read from its own
// --version and --help. Pure parsing; runtime_probe.h runs the program.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "common/result.h"

namespace headroom::exporter {

struct Runtime {
  std::string executable;  // absolute path
  std::string version;     // "0.7.0"; for builds without a version number the build, "6123"
  std::set<std::string, std::less<>> flags;  // every spelling: "-c", "--ctx-size"

  bool Supports(std::string_view flag) const { return flags.find(flag) != flags.end(); }
};

// "version: 0.7.0 (build 11669, commit …)" -> "0.7.0". Errors quote what was found instead.
Result<std::string> ParseRuntimeVersion(std::string_view text);

// Every argument a --help text names. Errors (kUnsupported) when it is not llama-server's help: one
// of the arguments no launch can do without (--model, --ctx-size, --host, --port) is missing.
Result<std::set<std::string, std::less<>>> ParseRuntimeFlags(std::string_view help);

}  // namespace headroom::exporter

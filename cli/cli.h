// The `headroom` command line: subcommands as functions over streams, so that tests read what a
// person would see. Exit codes: 0 done, 1 refused or failed (one clear line on err), 2 wrong usage.
#pragma once

#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/flags.h"
#include "common/result.h"

namespace headroom::cli {

inline constexpr int kDone = 0, kFailed = 1, kUsage = 2;

struct Streams {
  std::ostream& out;
  std::ostream& err;
};

using Arguments = std::vector<std::string>;

struct Command {
  std::string_view name, summary;
  int (*run)(const Arguments& arguments, Streams streams);
};
std::span<const Command> Commands();

// `arguments` without the program's name.
int Run(const Arguments& arguments, Streams streams);

int RunEstimate(const Arguments& arguments, Streams streams);
int RunInspect(const Arguments& arguments, Streams streams);
int RunApply(const Arguments& arguments, Streams streams);
int RunProbe(const Arguments& arguments, Streams streams);
int RunDelete(const Arguments& arguments, Streams streams);

// "headroom: TEXT" on err, and the exit code to return.
int Fail(Streams streams, const Error& error, int code = kFailed);

// Parses with the process's environment. Prints help or the usage error itself; nullopt = return
// `exit_code` now.
struct ParsedOrExit {
  std::optional<Flags::Parsed> parsed;
  int exit_code = kDone;
};
ParsedOrExit ParseFlags(const Flags& flags, const Arguments& arguments, Streams streams);

}  // namespace headroom::cli

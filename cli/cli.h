// The `headroom` command line: subcommands as functions over streams, so that tests read what a
// person would see. Exit codes: 0 done, 1 refused or failed (one clear line on err), 2 wrong usage.
#pragma once

#include <functional>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/flags.h"
#include "common/result.h"

namespace headroom::cli {

class Progress;

inline constexpr int kDone = 0, kFailed = 1, kUsage = 2;

struct Streams {
  std::ostream& out;
  std::ostream& err;
  bool color = false;                     // `out` is a terminal that wants colour
  std::string_view program = "headroom";  // how the person called us
  // Draws on `err` about what takes long; null where that is no terminal.
  Progress* progress = nullptr;
  // Set: a command registers its flags, hands them over here and does nothing else. That is how
  // completion, manual pages and docs/cli.md are made of what --help prints.
  const std::function<void(const Flags&)>* describe = nullptr;
};

using Arguments = std::vector<std::string>;

struct Command {
  std::string_view name, summary;
  int (*run)(const Arguments& arguments, Streams streams);
};
std::span<const Command> Commands();

// `arguments` without the program's name.
int Run(const Arguments& arguments, Streams streams);

// "headroom: TEXT" on err, and the exit code to return.
int Fail(Streams streams, const Error& error, int code = kFailed);
// The usage error of a command that takes flags only.
int NoArguments(std::string_view command, Streams streams);

// Parses with the process's environment. Prints help or the usage error itself; nullopt = return
// `exit_code` now.
struct ParsedOrExit {
  std::optional<Flags::Parsed> parsed;
  int exit_code = kDone;
};
ParsedOrExit ParseFlags(const Flags& flags, const Arguments& arguments, Streams streams);

}  // namespace headroom::cli

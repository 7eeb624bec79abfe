// The command line as data: every command with its usage and flags, asked of the commands
// themselves. Completion, manual pages and docs/cli.md are written from it.
#pragma once

#include <string>
#include <vector>

#include "cli/cli.h"

namespace headroom::cli {

struct CommandDoc {
  std::string name, summary;
  std::string synopsis;     // "headroom check -f FILE|DIR|- [FLAGS]"
  std::string description;  // paragraphs, a line each
  std::vector<Flags::Info> flags;
};

std::vector<CommandDoc> DescribeCommands();

}  // namespace headroom::cli

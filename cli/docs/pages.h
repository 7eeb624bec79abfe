// Manual pages and docs/cli.md out of what the commands say of themselves. Pure, deterministic.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/docs/describe.h"

namespace headroom::cli {

// File name ("headroom-check.1") to roff text: one page for the program and one a command.
std::map<std::string, std::string> ManualPages(const std::vector<CommandDoc>& commands);
// The reference part of docs/cli.md.
std::string MarkdownReference(const std::vector<CommandDoc>& commands);

}  // namespace headroom::cli

// Headers for decisions made at a terminal: a file of this machine, a file on a node by its
// exporter, or ranges of a download. Blocking.
#pragma once

#include <string>
#include <vector>

#include "cli/fleet/judge.h"
#include "cli/output/progress.h"
#include "common/flags.h"

namespace headroom::cli {

struct HeaderOptions {
  std::string node_token_file;
  std::vector<std::string> node_allow;  // beside the Nodes' own addresses: ADDRESS[/PREFIX]
};
void AddHeaderFlags(Flags& flags, HeaderOptions& options);

// A file on nodes is asked of the target nodes first (they run it), then looked for here.
// `progress`, if any, is told of downloads.
HeaderReader MakeHeaderReader(const HeaderOptions& options, WallTime now, Progress* progress);

}  // namespace headroom::cli

// Runs another program for what it prints.
#pragma once

#include <string>
#include <vector>

#include "common/result.h"

namespace headroom::cli {

// Blocking, 20 s at most. `with_errors`: what it prints on stderr too. An error when it cannot be
// run or fails.
Result<std::string> ProgramOutput(const std::string& program, std::vector<std::string> arguments,
                                  bool with_errors);

}  // namespace headroom::cli

#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string_view>

#include "cli/cli.h"
#include "cli/output/progress.h"

namespace {

// A terminal that understands escapes; a dumb one says so of itself.
bool IsTerminal(int fd) {
  const char* term = std::getenv("TERM");
  return ::isatty(fd) == 1 && (term == nullptr || std::string_view(term) != "dumb");
}

// https://no-color.org
bool WantsColor() {
  const char* no_color = std::getenv("NO_COLOR");
  return IsTerminal(STDOUT_FILENO) && (no_color == nullptr || *no_color == '\0');
}

}  // namespace

int main(int argc, char** argv) {
  const headroom::cli::Arguments arguments(argv + 1, argv + argc);
  const std::string_view name = argc > 0 ? argv[0] : "";
  // kubectl finds us under this name for "kubectl headroom".
  const bool plugin = name.substr(name.rfind('/') + 1) == "kubectl-headroom";
  headroom::cli::Progress progress(std::cerr);
  const headroom::cli::Streams streams{.out = std::cout,
                                       .err = std::cerr,
                                       .color = WantsColor(),
                                       .program = plugin ? "kubectl headroom" : "headroom",
                                       .progress = IsTerminal(STDERR_FILENO) ? &progress : nullptr};
  return headroom::cli::Run(arguments, streams);
}

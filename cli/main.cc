#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string_view>

#include "cli/cli.h"

namespace {

// https://no-color.org, and what terminals that know no colour say of themselves.
bool WantsColor() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) == 1 && (no_color == nullptr || *no_color == '\0') &&
         (term == nullptr || std::string_view(term) != "dumb");
}

}  // namespace

int main(int argc, char** argv) {
  const headroom::cli::Arguments arguments(argv + 1, argv + argc);
  const std::string_view name = argc > 0 ? argv[0] : "";
  // kubectl finds us under this name for "kubectl headroom".
  const bool plugin = name.substr(name.rfind('/') + 1) == "kubectl-headroom";
  const headroom::cli::Streams streams{.out = std::cout,
                                       .err = std::cerr,
                                       .color = WantsColor(),
                                       .program = plugin ? "kubectl headroom" : "headroom"};
  return headroom::cli::Run(arguments, streams);
}

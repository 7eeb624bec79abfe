#include <iostream>

#include "cli/cli.h"

int main(int argc, char** argv) {
  return headroom::cli::Run(headroom::cli::Arguments(argv + 1, argv + argc),
                            {std::cout, std::cerr});
}

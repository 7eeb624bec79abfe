// Time to read a GGUF header from a warm file and to describe the model: header_bench FILE
// [rounds].
#include <cstdlib>

#include "estimator/gguf/file.h"
#include "estimator/model.h"
#include "tests/bench/estimator/bench_clock.h"

int main(int argc, char** argv) {
  using namespace headroom::estimator;
  if (argc < 2) {
    std::fprintf(stderr, "usage: header_bench FILE [rounds]\n");
    return 2;
  }
  const int rounds = argc > 2 ? std::max(1, std::atoi(argv[2])) : 30;
  const auto file = ReadGgufFile(argv[1]);
  if (!file) {
    std::fprintf(stderr, "header_bench: %s\n", file.error().message().c_str());
    return 1;
  }
  headroom::bench::Measure("headroom", rounds, [&] {
    const auto read = ReadGgufFile(argv[1]);
    if (!read || !DescribeModel(read->parts, read->file_bytes)) std::abort();
  });
  return 0;
}

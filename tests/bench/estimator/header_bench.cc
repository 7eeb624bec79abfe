// Time to read a GGUF header: header_bench FILE [rounds]. FILE may be a model or a bare header.
// Prints the best and the median of `rounds`, from memory and (for whole models) from the warm
// file.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>
#include <vector>

#include "estimator/gguf/file.h"
#include "estimator/gguf/reader.h"
#include "estimator/model.h"

namespace {

using namespace headroom::estimator;

void Measure(const char* name, int rounds, const std::function<void()>& once) {
  std::vector<double> times;
  for (int i = 0; i < rounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    once();
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    times.push_back(took.count());
  }
  std::sort(times.begin(), times.end());
  std::printf("%-24s best %.3f ms  median %.3f ms\n", name, times[0], times[times.size() / 2]);
}

GgufHeader ReadChunks(const std::string& bytes) {
  GgufReader reader;
  while (!reader.done()) {
    const auto want = reader.want();
    if (!reader.Feed(std::string_view(bytes).substr(want.offset, want.length))) break;
  }
  auto header = reader.Finish();
  if (!header) {
    std::fprintf(stderr, "header_bench: %s\n", header.error().message().c_str());
    std::exit(1);
  }
  return *header;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: header_bench FILE [rounds]\n");
    return 2;
  }
  const int rounds = argc > 2 ? std::max(1, std::atoi(argv[2])) : 50;
  if (ReadGgufFile(argv[1])) Measure("file", rounds, [&] { (void)ReadGgufFile(argv[1]); });
  std::ifstream file(argv[1], std::ios::binary);
  std::string bytes(64u << 20, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(file.gcount()));
  const GgufHeader header = ReadChunks(bytes);
  std::printf("header of %.2f MiB, %zu keys, %zu tensors\n",
              static_cast<double>(header.header_bytes) / (1 << 20), header.metadata.size(),
              header.tensors.size());
  Measure("memory", rounds, [&] { (void)ReadChunks(bytes); });
  const uint64_t size = header.MinFileBytes();
  Measure("describe", rounds, [&] { (void)DescribeModel({header}, size); });
  return 0;
}

// make-gguf tiny|kvheavy OUT: writes one of the small models that a real llama-server can run.
#include <cstdio>
#include <string>

#include "tests/tools/tiny_models.h"

int main(int argc, char** argv) {
  const std::string model = argc == 3 ? argv[1] : "";
  if (model != "tiny" && model != "kvheavy") {
    std::fprintf(stderr, "usage: make-gguf tiny|kvheavy OUT.gguf\n");
    return 2;
  }
  namespace testing = headroom::testing;
  const auto writer = model == "tiny" ? testing::TinyModel() : testing::KvHeavyModel();
  if (auto written = writer.WriteTo(argv[2]); !written) {
    std::fprintf(stderr, "make-gguf: %s\n", written.error().message().c_str());
    return 1;
  }
  return 0;
}

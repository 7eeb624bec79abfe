// describe-model FILE...: what decides about the graph of each model, a line each: the structure of
// the whole, then the kind of each layer (estimator/graph/structure.h), in hexadecimal.
#include <cinttypes>
#include <cstdio>

#include "estimator/gguf/file.h"
#include "estimator/model.h"

int main(int argc, char** argv) {
  using namespace headroom::estimator;
  for (int i = 1; i < argc; ++i) {
    const auto file = ReadGgufFile(argv[i]);
    const auto model = file ? DescribeModel(file->parts, file->file_bytes) : file.error();
    if (!model) {
      std::fprintf(stderr, "%s: %s\n", argv[i], model.error().message().c_str());
      return 1;
    }
    std::printf("%016" PRIx64, model->structure.whole);
    for (const uint64_t kind : model->structure.layers) std::printf(" %016" PRIx64, kind);
    std::printf("\n");
  }
}

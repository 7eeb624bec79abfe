// The same with llama.cpp's own reader: llama_reader LIBGGML-BASE.so FILE [rounds]. The library is
// the packaged one, which has no headers: the two functions are declared here as ggml's gguf.h
// does.
#include <dlfcn.h>

#include <cstdlib>

#include "tests/bench/estimator/bench_clock.h"

namespace {

struct gguf_context;
struct gguf_init_params {
  bool no_alloc;
  void** ctx;
};
using InitFromFile = gguf_context* (*)(const char*, gguf_init_params);
using Free = void (*)(gguf_context*);

template <class Function>
Function Find(void* library, const char* name) {
  return reinterpret_cast<Function>(dlsym(library, name));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: llama_reader LIBGGML-BASE.so FILE [rounds]\n");
    return 2;
  }
  void* library = dlopen(argv[1], RTLD_NOW);
  const auto init = library ? Find<InitFromFile>(library, "gguf_init_from_file") : nullptr;
  const auto free_context = library ? Find<Free>(library, "gguf_free") : nullptr;
  if (init == nullptr || free_context == nullptr) {
    std::fprintf(stderr, "llama_reader: %s\n", dlerror());
    return 1;
  }
  const int rounds = argc > 3 ? std::max(1, std::atoi(argv[3])) : 30;
  headroom::bench::Measure("llama.cpp gguf_init_from_file", rounds, [&] {
    gguf_context* context = init(argv[2], {true, nullptr});
    if (context == nullptr) std::abort();
    free_context(context);
  });
  return 0;
}

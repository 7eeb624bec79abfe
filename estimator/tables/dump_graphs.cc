// dump_graphs METAL_LIBRARY MODEL < configurations: makes a llama_context for each line of
// "key=value" words, without allocating, so that the patched allocator writes its graphs.
// Prints "ok" or "error" for each line, and ends its graphs in GRAPH_DUMP with a line "end".
#include <ggml-backend.h>
#include <llama.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

namespace {

std::string g_error;

void Log(ggml_log_level level, const char* text, void*) {
  if (level == GGML_LOG_LEVEL_ERROR) g_error += text;
}

ggml_type TypeNamed(const std::string& name) {
  for (int i = 0; i < GGML_TYPE_COUNT; i++) {
    const char* known = ggml_type_name(static_cast<ggml_type>(i));
    if (known != nullptr && name == known) return static_cast<ggml_type>(i);
  }
  std::fprintf(stderr, "unknown type '%s'\n", name.c_str());
  std::exit(2);
}

llama_context_params Parameters(const std::string& line) {
  std::map<std::string, std::string> words;
  std::istringstream in(line);
  for (std::string word; in >> word;) {
    const size_t equals = word.find('=');
    words[word.substr(0, equals)] = word.substr(equals + 1);
  }
  llama_context_params out = llama_context_default_params();
  out.n_ctx = std::stoul(words["context"]);
  out.n_batch = std::stoul(words["batch"]);
  out.n_ubatch = std::stoul(words["ubatch"]);
  out.n_seq_max = std::stoul(words["slots"]);
  out.n_outputs_max = std::stoul(words["outputs"]);
  out.n_outputs_max_per_seq = 1;
  out.kv_unified = words["unified"] == "1";
  out.type_k = TypeNamed(words["k"]);
  out.type_v = TypeNamed(words["v"]);
  out.flash_attn_type =
      words["flash"] == "off" ? LLAMA_FLASH_ATTN_TYPE_DISABLED : LLAMA_FLASH_ATTN_TYPE_AUTO;
  out.swa_full = false;
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  llama_log_set(Log, nullptr);
  if (ggml_backend_load(argv[1]) == nullptr) {
    std::fprintf(stderr, "cannot load %s\n", argv[1]);
    return 2;
  }
  llama_backend_init();
  llama_model_params parameters = llama_model_default_params();
  parameters.n_gpu_layers = 999;
  parameters.no_alloc = true;
  parameters.load_mode = LLAMA_LOAD_MODE_NONE;
  llama_model* model = llama_model_load_from_file(argv[2], parameters);
  if (model == nullptr) {
    std::fprintf(stderr, "%s: %s\n", argv[2], g_error.c_str());
    return 1;
  }
  for (std::string line; std::getline(std::cin, line);) {
    g_error.clear();
    llama_context* context = llama_init_from_model(model, Parameters(line));
    if (std::FILE* out = std::fopen(std::getenv("GRAPH_DUMP"), "a")) {
      std::fputs("end\n", out);
      std::fclose(out);
    }
    std::printf("%s\n", context != nullptr ? "ok" : "error");
    std::fflush(stdout);
    llama_free(context);
  }
  std::_Exit(0);  // nothing was allocated: skip the teardown
}

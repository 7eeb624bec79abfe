// Any words as a llama-server command line, NUL between them.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "estimator/serving_command.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace headroom::estimator;
  std::vector<std::string> words(1);
  for (size_t i = 0; i < size; ++i) {
    if (data[i] == 0) {
      words.emplace_back();
    } else {
      words.back() += static_cast<char>(data[i]);
    }
  }
  const auto command = ParseServerCommand({}, words, nullptr);
  if (!command) return 0;
  // What it means can be said again, and means the same (but for the files and the placement).
  ServingOptions again;
  if (!ApplyArgs(again, ToArgs(command->serving))) __builtin_trap();
  if (again.context != command->serving.context || again.ubatch != command->serving.ubatch) {
    __builtin_trap();
  }
  return 0;
}

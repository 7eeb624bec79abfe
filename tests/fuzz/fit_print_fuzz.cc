// What llama-fit-params may print: the sum before rounding is never below the one after it.
#include <cstdlib>

#include "cli/doctor/estimates.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace headroom::cli;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto print = ParseFitPrint(text);
  if (print && print->most_bytes < print->least_bytes) std::abort();
  if (JudgeComparison({"m", "", 1 << 30, text}).text.empty()) std::abort();
  return 0;
}

#include "kube/runtimes.h"

#include <algorithm>
#include <array>

namespace headroom::kube {

std::string CanonicalRuntime(std::string_view text) {
  // LLMKube's metal agent calls llamacpp llama-server.
  if (text.empty() || text == "llamacpp" || text == "llama-server") return "";
  if (text == "mistralrs-server") return "mistralrs";
  return std::string(text);
}

bool IsNativeRuntime(std::string_view canonical) {
  static constexpr std::array<std::string_view, 3> kNames = {"vllm-metal", "vllm", "mistralrs"};
  return std::find(kNames.begin(), kNames.end(), canonical) != kNames.end();
}

}  // namespace headroom::kube

#include "kube/secret.h"

#include "kube/base64.h"

namespace headroom::kube {

Result<std::string> SourceTokenOf(const Json& secret) {
  for (const std::string_view entry : {"HF_TOKEN", "token"}) {
    const std::string encoded = StringOr(secret, {"data", entry});
    if (encoded.empty()) continue;
    auto token = DecodeBase64(encoded);
    if (!token) return Error(Code::kInvalid, std::string(entry) + ": expected base64");
    while (!token->empty() && (token->back() == '\n' || token->back() == '\r')) token->pop_back();
    const bool header = token->find_first_of("\r\n") == std::string::npos;
    if (!token->empty() && header) return token;
    return Error(Code::kInvalid, std::string(entry) + ": expected one line");
  }
  return Error(Code::kInvalid, "expected an entry HF_TOKEN or token");
}

}  // namespace headroom::kube

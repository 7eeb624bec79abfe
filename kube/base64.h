// Standard base64 (RFC 4648 §4), as kubeconfig's *-data fields and Secrets hold it.
#pragma once

#include <string>
#include <string_view>

#include "common/result.h"

namespace headroom::kube {

// Line breaks and blanks are skipped; anything else outside the alphabet is an error with its
// offset.
Result<std::string> DecodeBase64(std::string_view text);

std::string EncodeBase64(std::string_view bytes);  // padded, on one line

}  // namespace headroom::kube

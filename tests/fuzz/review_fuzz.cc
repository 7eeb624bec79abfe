// Any bytes as an AdmissionReview, through decoding, judging and encoding: never a crash, and what
// comes out is a review that the API server accepts.
#include <cstdlib>
#include <string>

#include "common/json.h"
#include "webhook/rules.h"

namespace {

using headroom::webhook::HeaderNeed;
using headroom::webhook::HeaderState;

HeaderState Failed(const HeaderNeed&) {
  return {HeaderState::Kind::kFailed, nullptr, "unreachable"};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto review = headroom::webhook::ParseReview(text);
  if (!review) return 0;
  const headroom::webhook::View view;
  const auto decision = headroom::webhook::Judge(*review, view, Failed, {}, headroom::WallTime{});
  const auto answer =
      headroom::ParseJson(headroom::webhook::EncodeResponse(*review, decision.answer));
  if (!answer) std::abort();
  if (headroom::StringOr(*answer, {"response", "uid"}) != review->uid) std::abort();
  if (const auto* warnings = answer->Find({"response", "warnings"})) {
    for (const auto& warning : *warnings->AsArray()) {
      for (const unsigned char c : *warning.AsString()) {
        if (c < 0x20 || c > 0x7e) std::abort();
      }
    }
  }
  return 0;
}

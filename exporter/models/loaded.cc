#include "exporter/models/loaded.h"

#include "common/json.h"

namespace headroom::exporter {
namespace {

constexpr uint64_t kRounding = 256;

}  // namespace

Result<Loaded> ParseProps(std::string_view body) {
  const auto json = ParseJson(body);
  if (!json) return json.error().Within("/props");
  const int64_t context = IntOr(*json, {"default_generation_settings", "n_ctx"}, 0);
  const int64_t slots = IntOr(*json, {"total_slots"}, 0);
  if (context <= 0 || slots <= 0) {
    return Error(Code::kInvalid,
                 "/props: expected default_generation_settings.n_ctx and total_slots");
  }
  return Loaded{static_cast<uint64_t>(context), static_cast<uint64_t>(slots)};
}

std::string DifferenceFrom(const estimator::ServingOptions& admitted, const Loaded& loaded) {
  std::string text;
  const auto differs = [&text](uint64_t found, uint64_t expected, std::string_view what) {
    if (!text.empty()) text += ", ";
    text += std::to_string(found) + " " + std::string(what) + " where " + std::to_string(expected) +
            " were admitted";
  };
  if (loaded.slots != admitted.Slots()) differs(loaded.slots, admitted.Slots(), "slots");
  const uint64_t expected =
      admitted.Unified() ? admitted.context : admitted.context / admitted.Slots();
  const bool as_asked = loaded.context >= expected && loaded.context < expected + kRounding;
  // 0 is the model's own, which is not known here.
  if (admitted.context != 0 && !as_asked) differs(loaded.context, expected, "tokens a slot");
  return text.empty() ? "" : "llama-server serves " + text;
}

}  // namespace headroom::exporter

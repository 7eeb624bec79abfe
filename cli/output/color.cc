#include "cli/output/color.h"

namespace headroom::cli {
namespace {

std::string_view CodeOf(Tone tone) {
  switch (tone) {
    case Tone::kPlain: return "";
    case Tone::kGood: return "32";
    case Tone::kWarn: return "33";
    case Tone::kBad: return "31";
    case Tone::kBold: return "1";
  }
  return "";
}

}  // namespace

std::string Painted(std::string_view text, Tone tone, bool color) {
  const std::string_view code = CodeOf(tone);
  if (!color || code.empty()) return std::string(text);
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

}  // namespace headroom::cli

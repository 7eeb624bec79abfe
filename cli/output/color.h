// Colours for people: only where Streams.color says that a terminal reads them. Pure.
#pragma once

#include <string>
#include <string_view>

namespace headroom::cli {

enum class Tone { kPlain, kGood, kWarn, kBad, kBold };

// `text` in the colour of `tone`, or as it is.
std::string Painted(std::string_view text, Tone tone, bool color);

}  // namespace headroom::cli

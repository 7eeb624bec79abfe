// UTF-8 well-formedness, for text that leaves this process or is handed to a parser.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace headroom {

// Length of the longest well-formed prefix (no surrogates, no overlong forms); text.size() if all
// is.
size_t ValidUtf8Prefix(std::string_view text);
inline bool IsUtf8(std::string_view text) { return ValidUtf8Prefix(text) == text.size(); }

// Each ill-formed byte becomes U+FFFD.
std::string ReplaceBadUtf8(std::string_view text);

}  // namespace headroom

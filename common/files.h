// Whole small files: configuration, tokens, state. Writing is atomic (temporary file in the same
// folder, fsync, rename), so a reader or a crash never sees half a file.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/result.h"

namespace headroom {

// Errors: "path: No such file or directory"; kTooLarge beyond `max_bytes`.
Result<std::string> ReadFile(const std::string& path, size_t max_bytes = 16u << 20);
// A secret of one line: the file without blanks and line ends behind it, as editors leave them.
Result<std::string> ReadToken(const std::string& path);
// `mode` as for open(2): 0600 for anything secret.
Result<void> WriteFileAtomically(const std::string& path, std::string_view content,
                                 unsigned mode = 0644);

}  // namespace headroom

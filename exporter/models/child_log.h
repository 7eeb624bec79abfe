// The log file of a child, which the child itself appends to: kept below a size while it runs, and
// read for the reason of its end.
#pragma once

#include <cstdint>
#include <string>

#include "common/result.h"

namespace headroom::exporter {

inline constexpr uint64_t kMaxLogBytes = 8u << 20;   // beyond it the file is turned over
inline constexpr uint64_t kKeptLogBytes = 1u << 20;  // what FILE.1 keeps of the end

// Where the file has grown beyond kMaxLogBytes, its last kKeptLogBytes go to FILE.1 and it starts
// anew. The child holds it open in append mode, so it is emptied, not replaced; lines written in
// between are lost. No file is no error.
Result<void> RotateLog(const std::string& path);

// The last lines, at most 600 bytes; "" where there are none.
std::string LogTail(const std::string& path);

}  // namespace headroom::exporter

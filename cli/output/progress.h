// One line on a terminal about what takes long: drawn over while it goes on, wiped when it is over.
// The clock is the caller's, so that tests need none.
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "common/time.h"

namespace headroom::cli {

struct ProgressState {
  std::string what;                // "model default/llama"
  std::optional<double> fraction;  // of the whole, 0 to 1; unset = nobody knows
  std::string detail;              // "downloading", "3.2 MiB"
};

// At most `width` columns: "model default/llama [#######         ] 45 % downloading".
std::string ProgressLine(const ProgressState& state, size_t width);

class Progress {
 public:
  explicit Progress(std::ostream& out) : out_(out) {}
  ~Progress() { Clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Draws nothing in the first moments, and not more often than an eye can follow.
  void Show(const ProgressState& state, SteadyTime now);
  // Before anything else is printed, and at the end.
  void Clear();

 private:
  std::ostream& out_;
  std::optional<SteadyTime> started_, drawn_;
};

}  // namespace headroom::cli

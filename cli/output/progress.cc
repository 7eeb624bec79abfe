#include "cli/output/progress.h"

#include <algorithm>
#include <cmath>

namespace headroom::cli {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPatience{300};  // what is over sooner needs no bar
constexpr milliseconds kBetween{100};
constexpr size_t kColumns = 79;  // a terminal of 80 columns would break a longer line
constexpr size_t kBar = 24;

std::string Bar(double fraction) {
  const double share = std::clamp(fraction, 0.0, 1.0);
  const auto full = static_cast<size_t>(std::floor(share * static_cast<double>(kBar)));
  const auto percent = static_cast<int>(std::floor(share * 100));
  return "[" + std::string(full, '#') + std::string(kBar - full, ' ') + "] " +
         std::to_string(percent) + " %";
}

// What a file or a model is called may hold anything; a terminal gets printable ASCII.
std::string Printable(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

// The end of a long name says more than its start.
std::string Shortened(std::string text, size_t width) {
  if (text.size() <= width) return text;
  if (width <= 3) return std::string(width, '.');
  return "..." + text.substr(text.size() - (width - 3));
}

}  // namespace

std::string ProgressLine(const ProgressState& state, size_t width) {
  std::string rest;
  if (state.fraction) rest += " " + Bar(*state.fraction);
  if (!state.detail.empty()) rest += " " + Printable(state.detail);
  if (rest.size() > width) rest.resize(width);
  return Shortened(Printable(state.what), width - rest.size()) + rest;
}

void Progress::Show(const ProgressState& state, SteadyTime now) {
  if (!started_) started_ = now;
  if (now - *started_ < kPatience || (drawn_ && now - *drawn_ < kBetween)) return;
  drawn_ = now;
  out_ << "\r\x1b[K" << ProgressLine(state, kColumns) << std::flush;
}

void Progress::Clear() {
  if (drawn_) out_ << "\r\x1b[K" << std::flush;
  started_.reset();
  drawn_.reset();
}

}  // namespace headroom::cli

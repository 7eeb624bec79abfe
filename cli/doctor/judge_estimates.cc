#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <optional>

#include "cli/doctor/estimates.h"
#include "common/checked.h"
#include "common/quantity.h"

namespace headroom::cli {
namespace {

using Level = Finding::Level;

constexpr uint64_t kMiB = 1u << 20;
constexpr double kMostAbove = 0.015, kMostBelow = 0.005;
constexpr size_t kSizes = 3;  // model, context, compute

// The last word of `line`, which is cut off.
std::string_view TakeLastWord(std::string_view& line) {
  while (line.ends_with(' ') || line.ends_with('\r')) line.remove_suffix(1);
  const size_t blank = line.rfind(' ');
  const size_t from = blank == std::string_view::npos ? 0 : blank + 1;
  const std::string_view word = line.substr(from);
  line.remove_suffix(line.size() - from);
  return word;
}

// The MiB of a line; nullopt when it is none of sizes. A device's name may hold blanks.
std::optional<uint64_t> SumOfLine(std::string_view line) {
  uint64_t sum = 0;
  for (size_t i = 0; i < kSizes; ++i) {
    const std::string_view word = TakeLastWord(line);
    uint32_t mib = 0;
    const auto [at, error] = std::from_chars(word.data(), word.data() + word.size(), mib);
    if (word.empty() || error != std::errc() || at != word.data() + word.size()) {
      return std::nullopt;
    }
    sum += mib;
  }
  return TakeLastWord(line).empty() ? std::nullopt : std::optional(sum);
}

std::string Percent(double share) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%+.1f %%", 100 * share);
  return text.data();
}

}  // namespace

Result<FitPrint> ParseFitPrint(std::string_view text) {
  uint64_t mib = 0, lines = 0;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const auto sum = SumOfLine(line);
    if (!sum) continue;  // of the log
    mib += *sum;
    ++lines;
  }
  const auto least = CheckedMul(mib, kMiB);
  const auto most = CheckedMul(mib + lines * kSizes, kMiB);
  if (lines > 0 && least && most) return FitPrint{*least, *most};
  return Error(Code::kUnsupported,
               "expected lines of 'DEVICE MODEL CONTEXT COMPUTE' in MiB from llama-fit-params");
}

uint64_t ComparableBytes(const estimator::Footprint& footprint) {
  const auto without_output = [](const estimator::MemoryParts& parts) {
    return parts.Sum() - parts.output;
  };
  return without_output(footprint.device) + without_output(footprint.host);
}

Finding JudgeComparison(const ComparedEstimate& one) {
  Finding out{Level::kOk, "estimate", "", ""};
  if (!one.problem.empty()) {
    out.level = Level::kWarning;
    out.text = one.model + ": " + one.problem;
    out.remedy = "headroom inspect " + one.model + " tells whether the file is whole";
    return out;
  }
  const auto theirs = ParseFitPrint(one.fit_print);
  if (!theirs) {
    out.level = Level::kWarning;
    out.text = one.model + ": " + theirs.error().message();
    out.remedy = "use the llama-fit-params that belongs to llama-server";
    return out;
  }
  // Within the rounding there is no difference.
  const uint64_t nearest = std::min(std::max(one.ours, theirs->least_bytes), theirs->most_bytes);
  const double ours = static_cast<double>(one.ours), expected = static_cast<double>(nearest);
  const double share = nearest == 0 ? 0 : ours / expected - 1;
  out.text = one.model + ": " + FormatBytes(one.ours) + ", llama-fit-params says " +
             FormatBytes(theirs->least_bytes) + " (" +
             (one.ours == nearest ? "equal but for its rounding" : Percent(share)) + ")";
  if (share < -kMostBelow) {
    out.level = Level::kWarning;
    out.remedy =
        "this llama.cpp takes more than is admitted: upgrade headroom, or lower the node's "
        "--memory-fraction until an estimate for this version exists";
  } else if (share > kMostAbove) {
    out.level = Level::kWarning;
    out.remedy = "models that fit may be refused: upgrade headroom";
  }
  return out;
}

}  // namespace headroom::cli

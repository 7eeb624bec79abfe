#include "exporter/models/usage.h"

#include <algorithm>
#include <cmath>

#include "common/quantity.h"

namespace headroom::exporter {
namespace {

bool Moved(uint64_t before, uint64_t now) {
  const double difference = std::fabs(static_cast<double>(now) - static_cast<double>(before));
  return difference >= Usage::kMoved * static_cast<double>(before) && now != before;
}

}  // namespace

// "grew by …" with the reading it begins with, "" otherwise.
std::string Usage::Growth(uint64_t used, SteadyTime now) {
  trend_.Add(used, now);
  const auto estimated = static_cast<double>(estimated_);
  const auto growth =
      trend_.Growth(std::max<uint64_t>(static_cast<uint64_t>(kGrowthStep * estimated), 1));
  const bool beyond = estimated_ > 0 && !exceeded_ && growth &&
                      static_cast<double>(used + *growth) > estimated * kExceeded;
  if (!growing_.Comes(beyond)) return "";
  return "grew by " + FormatBytes(*growth) + " to " + FormatBytes(used) + " in " +
         FormatSpan(trend_.Span()) + "; if it goes on so it will soon take more than the " +
         FormatBytes(estimated_) + " it was admitted with";
}

Usage::Step Usage::Take(const ProcessMemory& memory, uint64_t estimated, SteadyTime now) {
  Step step;
  estimated_ = estimated;
  // Without a footprint (another user's process) resident memory is the least it can be.
  const uint64_t used = memory.footprint.value_or(memory.resident);
  const double limit = static_cast<double>(estimated) * (exceeded_ ? kBack : kExceeded);
  const bool over = estimated > 0 && static_cast<double>(used) > limit;
  against_ = over == exceeded_ ? 0 : against_ + 1;
  const bool turned = against_ >= kReadings;
  if (turned) {
    exceeded_ = over;
    against_ = 0;
  }
  step.exceeded = turned && over;
  step.tell = turned || !told_ || Moved(told_->resident, memory.resident) ||
              Moved(told_->footprint.value_or(0), memory.footprint.value_or(0));
  if (step.tell) told_ = memory;
  step.grows = Growth(used, now);
  return step;
}

std::string Usage::Text() const {
  if (!exceeded_ || !told_) return "";
  const uint64_t used = told_->footprint.value_or(told_->resident);
  const uint64_t more = used > estimated_ ? used - estimated_ : 0;
  return "uses " + FormatBytes(used) + ", " + FormatBytes(more) + " more than the " +
         FormatBytes(estimated_) + " it was admitted with";
}

}  // namespace headroom::exporter

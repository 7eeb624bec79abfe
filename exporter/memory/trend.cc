#include "exporter/memory/trend.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/quantity.h"

namespace headroom::exporter {

void Trend::Add(uint64_t value, SteadyTime now) {
  if (!readings_.empty() && now - readings_.back().at > kMaxGap) readings_.clear();
  readings_.push_back({now, value});
  if (readings_.size() > kReadings) readings_.pop_front();
}

std::optional<uint64_t> Trend::Growth(uint64_t step) const {
  if (readings_.size() < kReadings) return std::nullopt;
  double first = 0, before = 0;
  for (size_t quarter = 0; quarter < 4; ++quarter) {
    double mean = 0;
    for (size_t i = 0; i < kQuarter; ++i) {
      mean += static_cast<double>(readings_[quarter * kQuarter + i].value) / kQuarter;
    }
    if (quarter == 0) {
      first = mean;
    } else if (mean < before + static_cast<double>(step)) {
      return std::nullopt;
    }
    before = mean;
  }
  return static_cast<uint64_t>(std::llround(before - first));
}

std::chrono::seconds Trend::Span() const {
  if (readings_.empty()) return {};
  return std::chrono::duration_cast<std::chrono::seconds>(readings_.back().at -
                                                          readings_.front().at);
}

bool LastingSign::Comes(bool seen) {
  absent_ = seen ? 0 : absent_ + 1;
  if (seen) return !std::exchange(present_, true);
  if (absent_ >= Trend::kQuarter) present_ = false;
  return false;
}

TrendStep MemoryTrends::Step(const Result<MemorySample>& sample, SteadyTime now) {
  TrendStep step;
  if (sample) {
    const uint64_t page = std::max<uint64_t>(sample->page_size, 1);
    const uint64_t pages = std::max<uint64_t>(kWrittenStep / page, 1);
    if (sample->wired) wired_.Add(*sample->wired, now);
    if (sample->pageouts) pageouts_.Add(*sample->pageouts, now);
    if (sample->swapouts) swapouts_.Add(*sample->swapouts, now);

    const auto total = static_cast<double>(sample->total);
    const auto wired = wired_.Growth(static_cast<uint64_t>(kWiredStep * total));
    const bool written = pageouts_.Growth(pages).has_value();
    if (wired_growing_.Comes(wired && written)) {
      step.news.push_back("wired memory grows and pages are written out: " + FormatBytes(*wired) +
                          " more in " + FormatSpan(wired_.Span()) + ", " +
                          FormatBytes(*sample->wired) + " of " + FormatBytes(sample->total) +
                          " are wired");
    }
    const auto swapped = swapouts_.Growth(pages);
    if (swapping_out_.Comes(swapped.has_value())) {
      step.news.push_back("memory is swapped out all the time: " + FormatBytes(*swapped * page) +
                          " in " + FormatSpan(swapouts_.Span()));
    }
  }
  step.wired_growing = wired_growing_.present();
  step.swapping_out = swapping_out_.present();
  return step;
}

std::string FormatSpan(std::chrono::seconds span) {
  if (span.count() < 90) return std::to_string(span.count()) + " s";
  return std::to_string((span.count() + 30) / 60) + " min";
}

}  // namespace headroom::exporter

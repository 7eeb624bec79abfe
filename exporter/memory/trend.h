// Whether a figure rises all the time, and what that says of a machine: pure, fed readings and a
// `now`. A load or a single burst is a step and no trend: the last kReadings are looked at in four
// quarters, and each has to lie above the one before.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/time.h"
#include "exporter/memory/sample.h"

namespace headroom::exporter {

class Trend {
 public:
  static constexpr size_t kQuarter = 10;
  static constexpr size_t kReadings = 4 * kQuarter;    // 400 s at the usual interval
  static constexpr std::chrono::seconds kMaxGap{120};  // after a longer one (sleep) it starts anew

  void Add(uint64_t value, SteadyTime now);
  // From the mean of the first quarter to that of the last, if each quarter's is at least `step`
  // above the one before; nullopt: it is not, or there are too few readings.
  std::optional<uint64_t> Growth(uint64_t step) const;
  // Between the first and the last reading.
  std::chrono::seconds Span() const;

 private:
  struct Reading {
    SteadyTime at;
    uint64_t value;
  };
  std::deque<Reading> readings_;
};

// A sign that comes at once and goes when it has been absent for a quarter of the readings, so that
// it is told once.
class LastingSign {
 public:
  // True when it has come with this reading.
  bool Comes(bool seen);
  bool present() const { return present_; }

 private:
  bool present_ = false;
  size_t absent_ = 0;  // readings in a row
};

struct TrendStep {
  bool wired_growing = false;  // and pages are written out meanwhile
  bool swapping_out = false;
  std::vector<std::string> news;  // of what has come with this reading, a sentence each
};

// Early signs of a machine that runs out of memory, before any level says so.
class MemoryTrends {
 public:
  // Wired memory that grows by this share of all memory each quarter.
  static constexpr double kWiredStep = 0.005;
  // Bytes written out in each quarter. Less is housekeeping.
  static constexpr uint64_t kWrittenStep = 4u << 20;

  TrendStep Step(const Result<MemorySample>& sample, SteadyTime now);

 private:
  Trend wired_, pageouts_, swapouts_;
  LastingSign wired_growing_, swapping_out_;
};

// "7 min", "40 s"
std::string FormatSpan(std::chrono::seconds span);

}  // namespace headroom::exporter

// How every reader of this bench is measured: the same rounds, best and median, and the peak memory
// of its whole process. One line a reader, for `run` to put into a table.
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

namespace headroom::bench {

template <class Once>
void Measure(const char* name, int rounds, const Once& once) {
  std::vector<double> times;
  for (int i = 0; i < rounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    once();
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    times.push_back(took.count());
  }
  std::sort(times.begin(), times.end());
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
#ifdef __APPLE__
  const double peak_mib = static_cast<double>(usage.ru_maxrss) / (1 << 20);
#else
  const double peak_mib = static_cast<double>(usage.ru_maxrss) / (1 << 10);
#endif
  std::printf("%s best_ms=%.3f median_ms=%.3f peak_mib=%.1f\n", name, times[0],
              times[times.size() / 2], peak_mib);
}

}  // namespace headroom::bench

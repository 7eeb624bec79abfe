#include "estimator/footprint_memo.h"

#include <algorithm>

namespace headroom::estimator {

const Result<Footprint>& FootprintMemo::For(const ServingOptions& options) {
  const auto found = std::find_if(known_.begin(), known_.end(),
                                  [&options](const auto& one) { return one.first == options; });
  if (found != known_.end()) return found->second;
  std::pair made(options, Estimate(*model_, options));
  if (known_.size() < kMost) return known_.emplace_back(std::move(made)).second;
  const size_t place = next_++ % kMost;
  known_[place] = std::move(made);
  return known_[place].second;
}

}  // namespace headroom::estimator

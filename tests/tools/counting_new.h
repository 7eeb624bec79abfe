// Counts what operator new hands out, in programs that link counting_new.cc.
#pragma once

#include <cstddef>

namespace headroom::testing {

// The most bytes that were allocated at one time since this object was made, beyond what was then.
class AllocationPeak {
 public:
  AllocationPeak();
  size_t bytes() const;

 private:
  size_t start_;
};

}  // namespace headroom::testing

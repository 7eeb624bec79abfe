// A million mutated headers: mutate_header [COUNT [SEED]]. Ends with status 1 at the first one that
// takes more memory than its bytes justify; a crash or a hang is the other way to fail. Build it
// with the preset fuzz for AddressSanitizer.
#include <cstdio>
#include <cstdlib>

#include "estimator/footprint.h"
#include "tests/estimator/gguf_mutation.h"
#include "tests/tools/counting_new.h"
#include "tests/tools/tiny_models.h"

int main(int argc, char** argv) {
  using namespace headroom;
  const uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  testing::Random random(argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1);
  const std::string good = testing::TinyModel().Header();
  uint64_t read = 0, described = 0, estimated = 0;
  double worst = 0;  // bytes taken for a byte of input
  for (uint64_t i = 0; i < count; ++i) {
    const std::string bad = testing::Mutate(good, random);
    const size_t chunk = 1 + random.Below(2 * bad.size() + 1);
    const testing::AllocationPeak peak;
    const auto header = testing::ReadAll(bad, chunk);
    const double taken = static_cast<double>(peak.bytes());
    if (taken > 65536 + 32.0 * static_cast<double>(bad.size())) {
      std::printf("mutation %llu: %zu bytes took %zu\n", static_cast<unsigned long long>(i),
                  bad.size(), peak.bytes());
      return 1;
    }
    worst = std::max(worst, taken / static_cast<double>(bad.size() + 1));
    if (!header) continue;
    ++read;
    const auto model = estimator::DescribeModel({*header}, 0);
    if (!model) continue;
    ++described;
    if (estimator::Estimate(*model, {})) ++estimated;
  }
  std::printf(
      "%llu mutations: %llu read, %llu described, %llu estimated; at most %.1f bytes of "
      "memory a byte of input\n",
      static_cast<unsigned long long>(count), static_cast<unsigned long long>(read),
      static_cast<unsigned long long>(described), static_cast<unsigned long long>(estimated),
      worst);
  return 0;
}

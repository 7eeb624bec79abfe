// will-it-fit MODEL.gguf CONTEXT BUDGET: another program asks Headroom's estimator.
// Prints what llama-server would take; exit code 0 = it fits, 1 = it does not, 2 = an error.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "common/quantity.h"
#include "estimator/footprint.h"
#include "estimator/gguf/reader.h"
#include "estimator/model.h"

namespace {

// The reader says which bytes it wants; where they come from is the caller's business.
headroom::Result<headroom::estimator::GgufHeader> ReadHeader(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (!file || error) return headroom::Error(headroom::Code::kIo, path + ": cannot be read");
  headroom::estimator::GgufReader reader(size);
  std::string bytes;
  while (!reader.done()) {
    const auto want = reader.want();
    bytes.resize(want.length);
    file.clear();
    file.seekg(static_cast<std::streamoff>(want.offset));
    file.read(bytes.data(), static_cast<std::streamsize>(want.length));
    bytes.resize(static_cast<size_t>(file.gcount()));
    if (bytes.empty()) break;
    if (auto fed = reader.Feed(bytes); !fed) return fed.error();
  }
  return reader.Finish();
}

int Fail(const headroom::Error& error) {
  std::cerr << "will-it-fit: " << error.message() << "\n";
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: will-it-fit MODEL.gguf CONTEXT BUDGET\n";
    return 2;
  }
  const auto budget = headroom::ParseQuantity(argv[3]);
  if (!budget) return Fail(budget.error());
  auto header = ReadHeader(argv[1]);
  if (!header) return Fail(header.error());
  const auto model = headroom::estimator::DescribeModel({*header}, 0);
  if (!model) return Fail(model.error());
  headroom::estimator::ServingOptions options;
  options.context = static_cast<uint32_t>(std::atoi(argv[2]));
  options.prompt_cache_mib = 0;
  const auto footprint = headroom::estimator::Estimate(*model, options);
  if (!footprint) return Fail(footprint.error());
  const bool fits = footprint->footprint_bytes <= *budget;
  std::cout << model->architecture << " at context " << footprint->context << " needs "
            << headroom::FormatBytes(footprint->footprint_bytes) << ": "
            << (fits ? "fits" : "does not fit") << " in " << headroom::FormatBytes(*budget) << "\n";
  return fits ? 0 : 1;
}

#include <iomanip>
#include <map>

#include "cli/cli.h"
#include "common/quantity.h"
#include "estimator/gguf/file.h"

namespace headroom::cli {
namespace {

using estimator::GgufFile;
using estimator::GgufHeader;

struct TypeSum {
  uint64_t tensors = 0, bytes = 0;
};

std::map<std::string_view, TypeSum> SumByType(const GgufFile& file) {
  std::map<std::string_view, TypeSum> sums;
  for (const GgufHeader& part : file.parts) {
    for (const auto& tensor : part.tensors) {
      TypeSum& sum = sums[tensor.type->name];
      sum.tensors += 1;
      sum.bytes += tensor.nbytes;
    }
  }
  return sums;
}

void Print(std::ostream& out, const std::string& path, const GgufFile& file, bool tensors) {
  const GgufHeader& first = file.parts.front();
  uint64_t header_bytes = 0, count = 0;
  for (const GgufHeader& part : file.parts) {
    header_bytes += part.header_bytes;
    count += part.tensors.size();
  }
  out << path << ": GGUF v" << first.version << ", " << FormatBytes(file.file_bytes) << " in "
      << file.parts.size() << (file.parts.size() == 1 ? " file" : " files") << ", header "
      << FormatBytes(header_bytes) << ", " << count << " tensors\n\nmetadata\n";
  for (const auto& [key, value] : first.metadata) {
    out << "  " << key << " = " << value.Print() << "\n";
  }
  out << "\ntensors by type\n";
  for (const auto& [type, sum] : SumByType(file)) {
    out << "  " << std::left << std::setw(10) << type << std::right << std::setw(8) << sum.tensors
        << std::setw(14) << FormatBytes(sum.bytes) << "\n";
  }
  if (!tensors) return;
  out << "\ntensors\n";
  for (const GgufHeader& part : file.parts) {
    for (const auto& tensor : part.tensors) {
      out << "  " << tensor.name << " " << tensor.type->name << " [";
      for (uint32_t i = 0; i < tensor.n_dims; ++i) out << (i ? ", " : "") << tensor.dims[i];
      out << "] " << FormatBytes(tensor.nbytes) << "\n";
    }
  }
}

}  // namespace

int RunInspect(const Arguments& arguments, Streams streams) {
  bool tensors = false;
  Flags flags(
      "headroom inspect",
      "headroom inspect FILE [FLAGS]\n"
      "What the header of a GGUF file says; the other parts of a split are found beside it.");
  flags.Add("tensors", tensors, "list every tensor");
  const auto [parsed, exit_code] = ParseFlags(flags, arguments, streams);
  if (!parsed) return exit_code;
  if (parsed->positional.size() != 1) {
    return Fail(streams, Error(Code::kInvalid, "inspect: expected one FILE"), kUsage);
  }
  const std::string& path = parsed->positional.front();
  const auto file = estimator::ReadGgufFile(path);
  if (!file) return Fail(streams, file.error());
  Print(streams.out, path, *file, tensors);
  return kDone;
}

}  // namespace headroom::cli

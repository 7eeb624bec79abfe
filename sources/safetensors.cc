#include "sources/safetensors.h"

#include <filesystem>
#include <fstream>
#include <vector>

#include "common/checked.h"
#include "common/json.h"

namespace headroom::sources {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxHeader = 100u << 20;  // the format's own limit
constexpr size_t kLengthBytes = 8;

Result<uint64_t> TensorBytes(const Json& tensor, uint64_t data_bytes) {
  const Json* offsets = tensor.Find("data_offsets");
  const Json::Array* pair = offsets != nullptr ? offsets->AsArray() : nullptr;
  if (pair == nullptr || pair->size() != 2) {
    return Error(Code::kInvalid, "expected data_offsets with two numbers");
  }
  const auto begin = (*pair)[0].AsUint(), end = (*pair)[1].AsUint();
  if (!begin || !end || *begin > *end || *end > data_bytes) {
    return Error(Code::kInvalid, "data_offsets lie outside the file");
  }
  return *end - *begin;
}

Result<uint64_t> ReadFileBytes(const fs::path& path) {
  std::error_code error;
  const uint64_t size = fs::file_size(path, error);
  if (error) return Error(Code::kIo, path.string() + ": " + error.message());
  std::ifstream file(path, std::ios::binary);
  unsigned char length[kLengthBytes] = {};
  file.read(reinterpret_cast<char*>(length), sizeof length);
  uint64_t header_bytes = 0;
  for (size_t i = kLengthBytes; i-- > 0;) header_bytes = header_bytes << 8 | length[i];
  if (!file || header_bytes > kMaxHeader || header_bytes > size - kLengthBytes) {
    return Error(Code::kInvalid, path.string() + ": is no safetensors file");
  }
  std::string header(header_bytes, '\0');
  file.read(header.data(), static_cast<std::streamsize>(header.size()));
  if (!file) return Error(Code::kIo, path.string() + ": cannot be read");
  auto sum = SumSafetensors(header, size - kLengthBytes - header_bytes);
  if (!sum) return sum.error().Within(path.string());
  return sum;
}

}  // namespace

Result<uint64_t> SumSafetensors(std::string_view header, uint64_t data_bytes) {
  const auto json = ParseJson(header);
  if (!json) return json.error();
  const Json::Object* tensors = json->AsObject();
  if (tensors == nullptr) return Error(Code::kInvalid, "expected an object of tensors");
  uint64_t sum = 0;
  for (const auto& [name, tensor] : *tensors) {
    if (name == "__metadata__") continue;
    const auto bytes = TensorBytes(tensor, data_bytes);
    if (!bytes) return bytes.error().Within("tensor " + name);
    const auto more = CheckedAdd(sum, *bytes);
    if (!more) return Error(Code::kInvalid, "the tensors are larger than any memory");
    sum = *more;
  }
  return sum;
}

Result<uint64_t> ReadSafetensorsBytes(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return ReadFileBytes(path);
  uint64_t sum = 0;
  bool found = false;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() != ".safetensors") continue;
    const auto bytes = ReadFileBytes(it->path());
    if (!bytes) return bytes.error();
    sum = CheckedAdd(sum, *bytes).value_or(UINT64_MAX);
    found = true;
  }
  if (found) return sum;
  return Error(Code::kNotFound, path + ": has no *.safetensors file");
}

}  // namespace headroom::sources

#include "tests/tools/gguf_writer.h"

#include <cassert>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "common/checked.h"
#include "estimator/gguf/ggml_type.h"

namespace headroom::testing {
namespace {

constexpr uint64_t kAlignment = 32;
enum : uint32_t { kUint32 = 4, kInt32 = 5, kFloat32 = 6, kBool = 7, kString = 8, kArray = 9 };

template <class T>
void Put(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

void PutText(std::string& out, std::string_view text) {
  Put<uint64_t>(out, text.size());
  out += text;
}

}  // namespace

void GgufWriter::Key(std::string_view key, uint32_t type) {
  PutText(kv_, key);
  Put(kv_, type);
  ++n_kv_;
}

GgufWriter& GgufWriter::Add(std::string_view key, uint32_t value) {
  Key(key, kUint32);
  Put(kv_, value);
  return *this;
}

GgufWriter& GgufWriter::Add(std::string_view key, float value) {
  Key(key, kFloat32);
  Put(kv_, value);
  return *this;
}

GgufWriter& GgufWriter::Add(std::string_view key, bool value) {
  Key(key, kBool);
  Put<uint8_t>(kv_, value ? 1 : 0);
  return *this;
}

GgufWriter& GgufWriter::Add(std::string_view key, const char* value) {
  return Add(key, std::string(value));
}

GgufWriter& GgufWriter::Add(std::string_view key, const std::string& value) {
  Key(key, kString);
  PutText(kv_, value);
  return *this;
}

GgufWriter& GgufWriter::Add(std::string_view key, const std::vector<std::string>& values) {
  Key(key, kArray);
  Put<uint32_t>(kv_, kString);
  Put<uint64_t>(kv_, values.size());
  for (const std::string& value : values) PutText(kv_, value);
  return *this;
}

GgufWriter& GgufWriter::Add(std::string_view key, const std::vector<float>& values) {
  Key(key, kArray);
  Put<uint32_t>(kv_, kFloat32);
  Put<uint64_t>(kv_, values.size());
  for (float value : values) Put(kv_, value);
  return *this;
}

GgufWriter& GgufWriter::Add(std::string_view key, const std::vector<int32_t>& values) {
  Key(key, kArray);
  Put<uint32_t>(kv_, kInt32);
  Put<uint64_t>(kv_, values.size());
  for (int32_t value : values) Put(kv_, value);
  return *this;
}

GgufWriter& GgufWriter::Add(std::string_view key, const std::vector<bool>& values) {
  Key(key, kArray);
  Put<uint32_t>(kv_, kBool);
  Put<uint64_t>(kv_, values.size());
  for (bool value : values) Put<uint8_t>(kv_, value ? 1 : 0);
  return *this;
}

GgufWriter& GgufWriter::AddTensor(std::string_view name, const std::vector<uint64_t>& dims,
                                  uint32_t type, std::string data) {
  const estimator::GgmlType* known = estimator::FindGgmlType(type);
  assert(known != nullptr && !dims.empty());
  Tensor tensor;
  PutText(tensor.info, name);
  Put<uint32_t>(tensor.info, static_cast<uint32_t>(dims.size()));
  tensor.bytes = estimator::RowBytes(*known, dims[0]).value();
  for (size_t i = 0; i < dims.size(); ++i) {
    Put(tensor.info, dims[i]);
    if (i > 0) tensor.bytes *= dims[i];
  }
  Put(tensor.info, type);
  assert(data.empty() || data.size() == tensor.bytes);
  tensor.offset = data_bytes_;
  tensor.data = std::move(data);
  data_bytes_ += PadUp(tensor.bytes, kAlignment);
  tensors_.push_back(std::move(tensor));
  return *this;
}

GgufWriter& GgufWriter::AddF32(std::string_view name, const std::vector<uint64_t>& dims,
                               const std::vector<float>& data) {
  std::string bytes(data.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), data.data(), bytes.size());
  return AddTensor(name, dims, 0, std::move(bytes));
}

std::string GgufWriter::Header() const {
  std::string out = "GGUF";
  Put(out, version_);
  Put<uint64_t>(out, tensors_.size());
  Put(out, n_kv_);
  out += kv_;
  for (const Tensor& tensor : tensors_) {
    out += tensor.info;
    Put(out, tensor.offset);
  }
  out.resize(PadUp(out.size(), kAlignment), '\0');
  return out;
}

uint64_t GgufWriter::FileBytes() const { return Header().size() + data_bytes_; }

Result<void> GgufWriter::WriteTo(const std::string& path) const {
  const std::string header = Header();
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << header;
  for (const Tensor& tensor : tensors_) {
    if (tensor.data.empty()) continue;
    file.seekp(static_cast<std::streamoff>(header.size() + tensor.offset));
    file << tensor.data;
  }
  file.close();
  std::error_code error;
  if (file) std::filesystem::resize_file(path, header.size() + data_bytes_, error);
  if (!file || error) return Error(Code::kIo, path + ": cannot be written");
  return {};
}

}  // namespace headroom::testing

// Writes small GGUF files for tests, the demo and end-to-end runs. Not for untrusted input: misuse
// is an assert. Tensor data may be left out; the file is then sparse, of the right size.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace headroom::testing {

class GgufWriter {
 public:
  explicit GgufWriter(uint32_t version = 3) : version_(version) {}

  GgufWriter& Add(std::string_view key, uint32_t value);
  GgufWriter& Add(std::string_view key, float value);
  GgufWriter& Add(std::string_view key, bool value);
  GgufWriter& Add(std::string_view key, const char* value);
  GgufWriter& Add(std::string_view key, const std::string& value);
  GgufWriter& Add(std::string_view key, const std::vector<std::string>& values);
  GgufWriter& Add(std::string_view key, const std::vector<float>& values);
  GgufWriter& Add(std::string_view key, const std::vector<int32_t>& values);
  GgufWriter& Add(std::string_view key, const std::vector<bool>& values);
  // `type` is a ggml type id; `data` is empty or exactly the tensor's bytes.
  GgufWriter& AddTensor(std::string_view name, const std::vector<uint64_t>& dims, uint32_t type,
                        std::string data = {});
  GgufWriter& AddF32(std::string_view name, const std::vector<uint64_t>& dims,
                     const std::vector<float>& data);

  std::string Header() const;  // padded to the alignment of 32, as it stands in the file
  uint64_t FileBytes() const;
  Result<void> WriteTo(const std::string& path) const;

 private:
  struct Tensor {
    std::string info;  // name, dimensions and type as they stand in the file
    uint64_t offset = 0, bytes = 0;
    std::string data;
  };
  void Key(std::string_view key, uint32_t type);

  uint32_t version_;
  uint64_t n_kv_ = 0;
  std::string kv_;
  std::vector<Tensor> tensors_;
  uint64_t data_bytes_ = 0;
};

}  // namespace headroom::testing

// The size of a model in safetensors format (MLX, vLLM): the tensors of all files of a folder, by
// their headers. A file begins with the length of its header (8 bytes, little endian), then the
// header: a JSON object of tensors with "data_offsets": [begin, end].
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.h"

namespace headroom::sources {

// Bytes of the tensors a header names. `data_bytes` is what follows it in the file. Pure.
Result<uint64_t> SumSafetensors(std::string_view header, uint64_t data_bytes);

// Of a *.safetensors file, or of all in a folder. Blocks. Errors name the file; kNotFound: none.
Result<uint64_t> ReadSafetensorsBytes(const std::string& path);

}  // namespace headroom::sources

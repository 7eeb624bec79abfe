// What the headers of a model's files say, gathered for printing. Pure.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "common/json.h"
#include "estimator/gguf/header.h"

namespace headroom::cli {

struct TypeShare {
  std::string_view type;
  uint64_t tensors = 0, elements = 0, bytes = 0;
};

struct InspectFacts {
  std::string source = {};
  std::vector<estimator::GgufHeader> parts = {};  // in order; never empty
  uint64_t file_bytes = 0;                        // of all parts
  uint64_t bytes_read = 0;                        // 0 = not known
  std::vector<TypeShare> types = {};              // most bytes first

  uint64_t HeaderBytes() const;
  uint64_t TensorCount() const;
  uint64_t Parameters() const;
  double BitsPerWeight() const;
};
InspectFacts GatherFacts(std::string source, std::vector<estimator::GgufHeader> parts,
                         uint64_t file_bytes, uint64_t bytes_read);

struct InspectView {
  bool wide = false;     // also which kind of tensor has which type
  bool tensors = false;  // every tensor
  bool color = false;    // a terminal reads it
};
void PrintInspect(std::ostream& out, const InspectFacts& facts, const InspectView& view);
Json ToJson(const InspectFacts& facts, const InspectView& view);

}  // namespace headroom::cli

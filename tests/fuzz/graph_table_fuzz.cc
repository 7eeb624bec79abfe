// Any bytes as a table of symbolic graphs: read, evaluated and replayed for a plausible model.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "estimator/graph/replay.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace headroom::estimator;
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  const auto table = ReadGraphTable(file, "llama", {}, {});
  if (!table) return 0;
  ModelFile model;
  model.architecture = "llama";
  model.layers.resize(12);
  model.symbols = {{SymbolKey("embedding_length"), 4096}};
  Shape shape;
  shape.context = shape.cells = shape.window_cells = 32768;
  shape.tokens = 512;
  shape.outputs = 1;
  shape.k = shape.v = FindGgmlType("f16");
  (void)ReplayGraphs(*table, model, shape);
  return 0;
}
